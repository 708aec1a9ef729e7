"""ResourceConfiguration: what a model needs when it is deployed without an entry script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional

from slipway.exceptions import UserErrorException


@dataclass
class ResourceConfiguration:
    """Resources of one replica. None: the server's default.

    Args:
        cpu: Cores, more than 0; fractions are fine.
        memory_in_gb: GiB, more than 0.
        gpu: Whole number of GPUs, 0 or more.

    Raises:
        UserErrorException: A number is out of range.
    """

    cpu: Optional[float] = None
    memory_in_gb: Optional[float] = None
    gpu: Optional[int] = None

    def __post_init__(self) -> None:
        for name, value in (("cpu", self.cpu), ("memory_in_gb", self.memory_in_gb)):
            if value is not None and not value > 0:
                raise UserErrorException(f"{name} must be greater than zero, not {value!r}.")
        if self.gpu is not None and (self.gpu < 0 or self.gpu != int(self.gpu)):
            raise UserErrorException(f"gpu must be a whole number of 0 or more, not {self.gpu!r}.")

    def serialize(self) -> Dict[str, Any]:
        """As the wire has it."""
        return {"cpu": self.cpu, "memoryInGB": self.memory_in_gb, "gpu": self.gpu}

    @staticmethod
    def deserialize(payload_obj: Optional[Dict[str, Any]]) -> Optional[ResourceConfiguration]:
        """From the wire; None stays None."""
        if payload_obj is None:
            return None
        made = ResourceConfiguration.__new__(ResourceConfiguration)
        made.cpu, made.gpu = payload_obj.get("cpu"), payload_obj.get("gpu")
        made.memory_in_gb = payload_obj.get("memoryInGB")
        return made
