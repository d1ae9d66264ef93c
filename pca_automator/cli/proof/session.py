"""CreateSession with a key in this process: SigV4 with an X.509 certificate in place of an access key.

https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import json
from typing import Any
from urllib.parse import quote, urlsplit

_SECONDS = 900  # the shortest there is


@dataclasses.dataclass(frozen=True)
class Answer:
    """What CreateSession answered: opened, or refused with a code and its words. The credentials are not kept."""

    opened: bool
    code: str = ""
    words: str = ""

    def __str__(self) -> str:
        """For a person."""
        return "opened" if self.opened else f"refused: {self.code}: {self.words}"


@dataclasses.dataclass(frozen=True)
class Door:
    """Which anchor, profile and role a session is asked of; ``client`` is boto3's client of IAM Roles Anywhere."""

    client: Any
    trust_anchor_arn: str
    profile_arn: str
    role_arn: str

    def knock(self, certificate: Any, key: Any, *, minutes_off: float = 0) -> Answer:
        """Ask for a session.

        Args:
            certificate: of the ``cryptography`` package.
            key: its private key, RSA or EC.
            minutes_off: how far the signature's time is off.
        """
        from botocore.awsrequest import AWSRequest
        from botocore.httpsession import URLLib3Session

        url = self.client.meta.endpoint_url.rstrip("/") + "/sessions"
        body = json.dumps(
            {
                "durationSeconds": _SECONDS,
                "profileArn": self.profile_arn,
                "roleArn": self.role_arn,
                "trustAnchorArn": self.trust_anchor_arn,
            }
        ).encode()
        moment = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes_off)
        headers = signed_headers(url, body, certificate, key, self.client.meta.region_name, moment)
        answer = URLLib3Session(timeout=30).send(AWSRequest("POST", url, headers, body).prepare())
        if answer.status_code == 201:
            return Answer(True)
        try:
            said = json.loads(answer.content)
        except ValueError:
            said = {}
        code = answer.headers.get("x-amzn-errortype") or said.get("__type") or f"HTTP {answer.status_code}"
        return Answer(False, str(code).split(":")[0], str(said.get("message") or said.get("Message") or ""))


def signed_headers(
    url: str, body: bytes, certificate: Any, key: Any, region: str, moment: dt.datetime
) -> dict[str, str]:
    """The headers of a request, the signature among them."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    parts = urlsplit(url)
    headers = {
        "content-type": "application/json",
        "host": parts.netloc,
        "x-amz-date": stamp,
        "x-amz-x509": base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode(),
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    path = quote(parts.path, safe="/-_.~")
    canonical = "\n".join(["POST", path, "", lines, names, hashlib.sha256(body).hexdigest()])
    elliptic = isinstance(key, ec.EllipticCurvePrivateKey)
    algorithm = f"AWS4-X509-{'ECDSA' if elliptic else 'RSA'}-SHA256"
    scope = f"{stamp[:8]}/{region}/rolesanywhere/aws4_request"
    text = "\n".join([algorithm, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()]).encode()
    if elliptic:
        signature = key.sign(text, ec.ECDSA(hashes.SHA256()))
    else:
        signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    credential = f"{certificate.serial_number}/{scope}"
    headers["authorization"] = (
        f"{algorithm} Credential={credential}, SignedHeaders={names}, Signature={signature.hex()}"
    )
    return headers
