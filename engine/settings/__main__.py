"""Write config.toml and docs/configuration.md anew: `python -m comptoir.engine.settings`.

Rule: run in the project's folder, after a change of any row; tests/engine/settings/test_text.py
fails until it was.
Source: the rows themselves (fields.py).
"""

from pathlib import Path

from comptoir.engine.settings.root import Settings
from comptoir.engine.settings.text import as_toml, describe

Path("config.toml").write_text(as_toml(Settings()), encoding="utf-8")
Path("docs/configuration.md").write_text(describe(), encoding="utf-8")
