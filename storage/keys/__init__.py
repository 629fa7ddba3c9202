"""Keys at rest: key-encryption keys behind a port, a data key for each person, and their rotation.

Modules: `data_key` (how a value is sealed), `store` (the file of wrapped keys), `ports` (what wraps
them: `local`, `aws_kms`, `transit`), `roots` (the few keys that everything hangs on), `keyring`
(what the journal seals with), `rotation`, `opening`, `measures`. docs/keys.md has the whole.
"""

from comptoir.storage.keys.keyring import Keyring
from comptoir.storage.keys.opening import KeyOptions, open_keyring
from comptoir.storage.keys.rotation import Rotations
from comptoir.storage.keys.store import KeyStore

__all__ = ["KeyOptions", "KeyStore", "Keyring", "Rotations", "open_keyring"]
