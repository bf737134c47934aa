"""C2PA content credentials in a preview film: who made it, signed by whoever makes films with us.

Asked for by two environment variables, the paths of a certificate chain and its private key (PEM).
"""

import importlib
import json
import os
from pathlib import Path
from typing import Any

from ..exchange.files import written_whole
from ..exchange.protocol import AVFaceError

CERTIFICATE_VARIABLE, KEY_VARIABLE = "AVFACE_C2PA_CERTIFICATE", "AVFACE_C2PA_KEY"
_TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"


def sign_film(film: Path, made_by: dict[str, Any]) -> str:
    """Give a film a signed manifest, if that is asked for; what to tell the user, or nothing.

    Raises AVFaceError when certificate or key don't serve.
    """
    certificate, key = (os.environ.get(name) for name in (CERTIFICATE_VARIABLE, KEY_VARIABLE))
    if not (certificate and key):
        return ""
    try:
        c2pa = importlib.import_module("c2pa")
    except ImportError:
        return (
            "The preview has no content credentials: install c2pa-python in the engine's"
            " environment."
        )
    try:
        chain, private = Path(certificate).read_bytes(), Path(key).read_bytes()
        info = c2pa.C2paSignerInfo(_algorithm(private), chain, private, None)
        with (
            written_whole(film, keeps_suffix=True) as signed,
            c2pa.Signer.from_info(info) as signer,
            c2pa.Builder(manifest(made_by)) as builder,
        ):
            builder.sign_file(str(film), str(signed), signer)
    except (OSError, c2pa.C2paError) as error:
        raise AVFaceError(
            f"The preview can't be signed ({error}).",
            f"Check {CERTIFICATE_VARIABLE} and {KEY_VARIABLE}.",
        ) from error
    return ""


def manifest(made_by: dict[str, Any]) -> str:
    """The manifest's definition: made by AVFace, from this clip, with these weights."""
    definition = {
        "claim_generator_info": [{"name": "AVFace", "version": made_by["version"]}],
        "title": f"Preview of {made_by['clip']['name']}",
        "assertions": [
            {
                "label": "c2pa.actions",
                "data": {
                    "actions": [
                        {
                            "action": "c2pa.created",
                            "digitalSourceType": _TRAINED,
                            "softwareAgent": {"name": "AVFace", "version": made_by["version"]},
                        }
                    ]
                },
            },
            {"label": "org.avface.capture", "data": made_by},
        ],
    }
    return json.dumps(definition)


def _algorithm(private: bytes) -> str:
    """ES256 for a key on an elliptic curve, PS256 for RSA."""
    return "ps256" if b"RSA" in private.splitlines()[0] else "es256"
