"""Where the shared configuration lies."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The repository's root folder."""

DEPLOY = ROOT / "deploy"
