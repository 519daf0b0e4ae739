"""The report of a run: one offline HTML file with figures, curves, meshes to turn and the paper's numbers.

from ganverse_jax import stages
from ganverse_jax.report import write_report
write_report("runs/mine", stages.declared())            # -> runs/mine/report.html
"""

from ganverse_jax.pages.markup import ReportError
from ganverse_jax.report.page import write_report

__all__ = ["ReportError", "write_report"]
