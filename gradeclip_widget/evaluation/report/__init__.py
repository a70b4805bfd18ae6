"""Reports of evaluations."""

from .contents import Extreme, Report
from .report import make_report, report_writer, save_report

__all__ = ["Extreme", "Report", "make_report", "report_writer", "save_report"]
