"""LSUN's LMDB of encoded pictures; needs the `lmdb` package (extra `[data]`)."""

from pathlib import Path

from ganverse_jax.data.decoding import MAX_BYTES
from ganverse_jax.data.images.folder import LIMIT, Entry
from ganverse_jax.data.images.pictures import UnfitPicture
from ganverse_jax.data.intake import Intake


class Lsun:
    """The pictures of the LMDB folder at `path` (the one that holds data.mdb), in the order of their keys.

    limit: take only the first so many (the whole of LSUN cars has 5.5 million). Reading is safe from several
    threads. Raises FileNotFoundError for a missing database, ValueError for a damaged or empty one, or when
    `lmdb` is not installed.
    """

    def __init__(self, path: str | Path, limit: int | None = None):
        try:
            import lmdb
        except ModuleNotFoundError as error:
            raise ValueError(
                "gan.data.kind=lsun needs the lmdb package; install it with: pip install 'ganverse-jax[data]'"
            ) from error
        path = Path(path)
        self.path = path.parent if path.name == "data.mdb" else path
        if not (self.path / "data.mdb").is_file():
            raise FileNotFoundError(
                f"no LMDB at {self.path} (no data.mdb in it); set gan.data.path to the unpacked folder, "
                "e.g. CATEGORY_lmdb"
            )
        self._error, self.intake = lmdb.Error, Intake()
        try:
            self._environment = lmdb.open(
                str(self.path), readonly=True, lock=False, readahead=False, max_readers=1024
            )
            with self._environment.begin(buffers=True) as transaction:
                self._keys, self.entries = _listing(transaction, limit)
                self.intake.leave_out(LIMIT, count=transaction.stat()["entries"] - len(self._keys))
        except lmdb.Error as error:
            raise ValueError(f"{self.path} is no readable LMDB ({error}); unpack it again") from error
        if not self._keys:
            raise ValueError(f"the LMDB {self.path} is empty; correct gan.data.path")

    def read(self, index: int) -> bytes:
        """Bytes of one value. Raises UnfitPicture when it is damaged or larger than MAX_BYTES."""
        name = f"{self.path}/{self.entries[index].name}"
        try:
            with self._environment.begin(buffers=True) as transaction:
                value = transaction.get(self._keys[index])
                if value is None or len(value) > MAX_BYTES:
                    size = "is gone" if value is None else f"has more than {MAX_BYTES:,} bytes"
                    raise UnfitPicture(f"{name} {size}; unpack the LMDB again or set gan.data.unfit=skip")
                return bytes(value)
        except self._error as error:
            raise UnfitPicture(f"{name} cannot be read ({error}); unpack the LMDB again") from error


def _listing(transaction, limit: int | None) -> tuple[list[bytes], list[Entry]]:
    keys, entries = [], []
    for key, value in transaction.cursor():
        if limit is not None and len(keys) >= limit:
            break
        keys.append(bytes(key))
        entries.append(Entry(keys[-1].decode("ascii", "backslashreplace"), str(len(value))))
    return keys, entries
