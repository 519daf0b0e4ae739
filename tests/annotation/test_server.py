"""Claims about the annotator's server: it serves its own page and nobody else."""

import http.client
import json
from urllib.parse import urlsplit

import pytest


def request(served, method="GET", path="", body=None, token=None, **headers):
    """(status, headers, content) of one raw request; headers by keyword, None leaves one out."""
    address = urlsplit(served.server.url)
    sent = {"Host": address.netloc}
    if method == "POST":
        sent |= {"Origin": f"http://{address.netloc}", "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=10)
    try:
        connection.putrequest(method, f"/{token or served.server.token}/{path}", skip_host=True)
        data = json.dumps(body).encode() if body is not None else b""
        for name, value in ({"Content-Length": str(len(data))} | sent).items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(data)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def do(served, **command):
    status, _, content = request(served, "POST", "do", command)
    return status, json.loads(content)


def test_it_listens_on_this_machine_alone(served):
    assert served.server.server_address[0] == "127.0.0.1"
    assert len(served.server.token) >= 32


def test_the_page_is_one_file_without_outside_resources(served):
    status, headers, page = request(served)
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    assert "http://" not in page and "https://" not in page and "src=" not in page.split("<script>")[0]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert page.count("</script>") == 1  # the run's name cannot end the script
    assert page.count('data-bin="') == 12


def test_answers_are_saved_on_every_change_and_can_be_undone(served):
    assert do(served, do="answer", view=2, answer=7)[1]["answers"] == [None, None, 7, None, None]
    assert served.saved[-1]["answers"] == (None, None, 7, None, None)
    status, state = do(served, do="undo")
    assert (status, state["view"], state["can_redo"]) == (200, 2, True)
    assert served.saved[-1]["answers"] == (None,) * 5
    assert do(served, do="redo")[1]["answers"][2] == 7
    assert do(served, do="answer", view=0, answer="drop")[1]["answers"][0] == "drop"


def test_time_runs_from_the_opening_of_the_page(served):
    served.now = 50.0
    request(served, path="state")
    served.now = 58.0
    assert do(served, do="answer", view=0, answer=1)[1]["seconds"] == 8.0


def test_finishing_needs_every_answer(served):
    status, content = do(served, do="finish")
    assert status == 400 and "5 views have no answer" in content["error"]
    for view in range(5):
        do(served, do="answer", view=view, answer=view)
    assert do(served, do="finish")[0] == 200 and served.server.backend.finished.is_set()


def test_a_save_that_fails_is_told(served):
    served.fail = OSError(28, "No space left on device")
    status, content = do(served, do="answer", view=0, answer=1)
    assert status == 500 and "not saved" in content["error"] and "No space left" in content["error"]


@pytest.mark.parametrize(
    "command", [["answer"], {"do": "quit"}, {}, {"do": "answer", "view": 5, "answer": 0},
                {"do": "answer", "view": 0, "answer": 12}, {"do": "answer"}],
)  # fmt: skip
def test_other_commands_are_refused_and_change_nothing(served, command):
    status, _, content = request(served, "POST", "do", command)
    assert status == 400 and "error" in json.loads(content)
    assert served.session.answers == (None,) * 5 and not served.saved


def test_pictures_of_a_view_are_inside_its_answer(served):
    status, _, content = request(served, path="view/4")
    pictures = json.loads(content)["pictures"]
    assert status == 200 and len(pictures) == 8 and pictures[0].startswith("data:image/webp;base64,")
    assert request(served, path="view/5")[0] == request(served, path="view/-1")[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[", None])
def test_a_foreign_host_name_is_refused(served, host):
    assert request(served, Host=host)[0] == 403
    assert request(served, "POST", "do", {"do": "undo"}, Host=host, Origin=f"http://{host}")[0] == 403


@pytest.mark.parametrize("host", ["localhost:9999", "127.0.0.1:80", "localhost", "[::1]:9999"])
def test_a_tunnel_may_use_another_local_port(served, host):
    assert request(served, Host=host)[0] == 200
    assert request(served, "POST", "do", {"do": "undo"}, Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize("token", ["x" * 32, "state", "%C3%A9"])
def test_without_the_secret_there_is_nothing(served, token):
    assert request(served, token=token)[0] == 404
    assert request(served, "POST", "do", {"do": "undo"}, token=token)[0] == 404


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", None, "https://127.0.0.1", "http://127.0.0.1:1"]
)
def test_posts_of_other_pages_are_refused(served, origin):
    assert request(served, "POST", "do", {"do": "answer", "view": 0, "answer": 1}, Origin=origin)[0] == 403
    assert served.session.answers[0] is None


def test_a_form_cannot_post(served):
    kinds = ("text/plain", "application/x-www-form-urlencoded", None)
    answers = [request(served, "POST", "do", {"do": "undo"}, Content_Type=kind)[0] for kind in kinds]
    assert answers == [415, 415, 415]


def test_large_and_broken_bodies_are_refused(served):
    assert request(served, "POST", "do", {"do": "undo", "more": "x" * 5000})[0] == 413
    assert request(served, "POST", "do", Content_Length="-1")[0] == 413
    assert request(served, "POST", "do")[0] == 400  # no JSON at all
    assert request(served, "POST", "elsewhere", {"do": "undo"})[0] == 404


def test_other_methods_do_not_exist(served):
    assert request(served, "DELETE", "do")[0] == 501
