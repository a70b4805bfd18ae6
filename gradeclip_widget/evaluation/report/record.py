"""What a report holds."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...explain.explanation import Explanation
from ..examples import FailedExample
from ..result import Evaluation


@dataclass(frozen=True, eq=False)
class Extreme:
    """An example on which a method did best, or worst.

    Attributes:
        method: the method.
        example: id of the example.
        value: what was measured.
        best: whether it is among the best.
        explanation: the method's explanation of it.
    """

    method: str
    example: str
    value: float
    best: bool
    explanation: Explanation = field(repr=False)


@dataclass(frozen=True, eq=False)
class Report:
    """What an evaluation found.

    Attributes:
        model: name of the model.
        data: what it was measured on, in words.
        count: number of examples that a measure says anything of.
        left_out: those that could not be read or explained, which are not counted.
        seed: of everything random.
        command: what makes the same report again, if it was made by a command.
        evaluations: by the measures' labels.
        advice: sentences on the model.
        model_evaluations: what they rest on.
        ranked_by: label of the measure that the extremes are by: the first with one value for each method.
        extremes: the best and worst examples of every method; none without such a measure.
        date: when it was made.
    """

    model: str
    data: str
    count: int
    left_out: Sequence[FailedExample]
    seed: int
    command: str
    evaluations: Mapping[str, Evaluation]
    advice: Sequence[str]
    model_evaluations: Mapping[str, Evaluation]
    ranked_by: str
    extremes: Sequence[Extreme]
    date: datetime.date
