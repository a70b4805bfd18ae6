"""What a widget can be asked about the explanations it shows."""

from .base import Context, Question, RegionQuestion
from .comparison import Comparison
from .erasure import Erasure
from .perturbation_curves import PerturbationCurves
from .region_vocabulary import RegionVocabulary
from .single_blocks import SingleBlocks
from .unrelated import Unrelated

_ALL: tuple[Question, ...] = (
    Comparison(),
    Erasure(),
    PerturbationCurves(),
    RegionVocabulary(),
    SingleBlocks(),
    Unrelated(),
)
QUESTIONS = {question.answer: question for question in _ALL}  # by the trait of the answer

__all__ = ["QUESTIONS", "Context", "Question", "RegionQuestion"]
