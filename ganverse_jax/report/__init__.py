"""The report of a run: one offline HTML file with figures, curves, meshes to turn and the paper's numbers.

from ganverse_jax.report import write_report
write_report("runs/toy_car")            # -> runs/toy_car/report.html
"""

from ganverse_jax.pages.markup import ReportError
from ganverse_jax.report.page import write_report

__all__ = ["ReportError", "write_report"]
