"""Every model of the pricing room."""

from trunkline.pricing.models.generator import Generator, GeneratorRun, GeneratorSource
from trunkline.pricing.models.imports import Agreement, SheetImport, SheetTemplate

__all__ = ["Agreement", "Generator", "GeneratorRun", "GeneratorSource", "SheetImport", "SheetTemplate"]
