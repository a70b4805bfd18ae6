"""Error messages: why a model could not be loaded, and what to do."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

from huggingface_hub import constants

from ...core.errors import missing_extra
from .hub import PATIENCE
from .names import HUB, ModelLocation, wrap_transformers


class ModelLoadError(RuntimeError):
    """A model's weights could not be downloaded or read."""


class CheckpointError(ModelLoadError):
    """A file is not a checkpoint of the model; the message says what it is, and what to do."""


_NETWORK = (
    "ConnectError",
    "ConnectionError",
    "ConnectTimeout",
    "Timeout",
    "TimeoutError",
    "TimeoutException",
    "TransportError",
    "URLError",
    "OfflineModeIsEnabled",
    "LocalEntryNotFoundError",
)
_DEMO = "model='demo' needs no download, but knows drawings only"


def explain_failure(
    location: ModelLocation, error: BaseException, folder: str, answers: bool
) -> ModelLoadError:
    """Return the error for the user: what could not be loaded, why, and what to do.

    Args:
        location: location of the model.
        error: the original error.
        folder: folder of downloaded weights.
        answers: whether the hub answered before the download.
    """
    what = location.name
    if location.weights is not None:
        what += f" with weights {location.weights!r}"
    if isinstance(error, CheckpointError):
        return CheckpointError(f"could not load {what}: {error}")
    return ModelLoadError(f"could not load {what}: {_reason(location, error, folder, answers)}")


def _reason(location: ModelLocation, error: BaseException, folder: str, answers: bool) -> str:
    chain = list(_chain(error))
    names = {base.__name__ for e in chain for base in type(e).__mro__}
    codes = {e.errno for e in chain if isinstance(e, OSError)}
    repository = location.name.removeprefix(HUB)
    if errno.ENOSPC in codes or errno.EDQUOT in codes:
        return (
            f"there is no space left in {folder}; free some, or pass another folder as cache_dir="
        )
    if errno.EACCES in codes or errno.EROFS in codes or errno.EPERM in codes:
        return f"no permission to write to {folder}; pass another folder as cache_dir="
    if "OutOfMemoryError" in names or "MemoryError" in names:
        return "it does not fit in memory; free some, take a smaller model, or pass device='cpu'"
    if "GatedRepoError" in names:
        return (
            f"{repository} asks for your consent; give it at {constants.ENDPOINT}/{repository} and log in "
            "with `hf auth login`"
        )
    if "RepositoryNotFoundError" in names or "HFValidationError" in names:
        return (
            f"the hub has no {repository}, or it is private; check the spelling, or log in with "
            "`hf auth login`"
        )
    offline = constants.HF_HUB_OFFLINE
    if names & set(_NETWORK):
        missing = "HF_HUB_OFFLINE is set" if offline else f"{_host()} did not answer"
        detail = next(
            (sentence(e) for e in reversed(chain) if type(e).__name__ == "ConnectionError"), ""
        )
        remedy = (
            "unset it" if offline else f"check the network (a slow one needs {_longer(answers)})"
        )
        return (
            f"{missing}{f' ({detail})' if detail else ''}, and the files are not all in {folder}; {remedy}, "
            f"or put a checkpoint file there and pass its path as pretrained=; {_DEMO}"
        )
    if "EntryNotFoundError" in names or "'model_cfg'" in str(error):
        return (
            f"{repository} contains no open_clip model (open_clip_config.json and its weights). If it has a "
            f"CLIP or SigLIP model of transformers, load and wrap that: {wrap_transformers(repository)}"
        )
    if package := next(filter(None, map(_missing_package, chain)), None):
        return str(missing_extra(package, "hf", "text encoders and tokenizers of Hugging Face"))
    if isinstance(error, ImportError) or "pip install" in str(error):
        return f"{sentence(error)}; install the missing package"
    return f"{sentence(error)}; pass the path of a checkpoint as pretrained=; {_DEMO}"


def sentence(error: BaseException) -> str:
    """Return the first line of an error's message as part of a sentence, without terminal codes."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", str(error)).strip()
    line = text.splitlines()[0] if text else "no reason was given"
    return line.rstrip(" .:")


def _missing_package(error: BaseException) -> str | None:
    """Return the package of the extra ``hf`` that an error reports as missing, or ``None``."""
    if isinstance(error, ModuleNotFoundError) and error.name in ("transformers", "sentencepiece"):
        return error.name
    message = str(error).lower()
    if "pip install transformers" in message:  # open_clip's message
        return "transformers"
    # transformers has several such messages, and not only in import errors.
    return "sentencepiece" if "sentencepiece" in message and "install" in message else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and the errors that it was raised from, the outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _longer(answers: bool) -> str:
    """Return the settings that allow for a slow network, once the hub has answered or before."""
    if not answers:
        return f"{PATIENCE}=30"
    # The hub's client reads its variables when it is imported.
    return f"{PATIENCE}=30 and HF_HUB_DOWNLOAD_TIMEOUT=30 in the environment that Python starts in"


def _host() -> str:
    return constants.ENDPOINT.partition("://")[2] or constants.ENDPOINT
