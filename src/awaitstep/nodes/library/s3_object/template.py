import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from workers import fetch
from workers.workflows import NonRetryableError


async def s3_object(
    operation,
    bucket,
    key,
    access_key_id,
    secret_access_key,
    body=None,
    encoding="text",
    content_type=None,
    region="us-east-1",
    endpoint=None,
    session_token=None,
    max_bytes=524288,
):
    """Put an object into a bucket, or get one. Requests are signed with AWS Signature Version 4."""
    content = b""
    if operation == "put":
        text = body if isinstance(body, str) else json.dumps(body)
        try:
            content = (
                base64.b64decode(text, validate=True) if encoding == "base64" else text.encode()
            )
        except ValueError:
            raise NonRetryableError("the body is not base64") from None
        content_type = content_type or (
            "application/json" if not isinstance(body, str) else "application/octet-stream"
        )

    root = urlsplit((endpoint or f"https://s3.{region}.amazonaws.com").rstrip("/"))
    path = f"{root.path}/{quote(bucket, safe='~')}/{quote(key, safe='/~')}"
    digest = hashlib.sha256(content).hexdigest()
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    signed = {"host": root.netloc, "x-amz-content-sha256": digest, "x-amz-date": moment}
    if operation == "put" and content_type:
        signed["content-type"] = content_type
    if session_token:
        signed["x-amz-security-token"] = session_token

    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    method = "PUT" if operation == "put" else "GET"
    request = f"{method}\n{path}\n\n{lines}\n{names}\n{digest}"
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = f"AWS4{secret_access_key}".encode()
    for part in (*scope.split("/"), to_sign):
        signature = hmac.digest(signature, part.encode(), "sha256")

    headers = {name: value for name, value in signed.items() if name != "host"}
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={access_key_id}/{scope}, "
        f"SignedHeaders={names}, Signature={signature.hex()}"
    )
    response = await fetch(
        f"{root.scheme}://{root.netloc}{path}",
        method=method,
        headers=headers,
        body=content if operation == "put" else None,
        redirect="manual",
    )
    secrets = [secret_access_key, session_token]
    found = await content_of(response, "The bucket", secrets)
    etag = (response.headers.get("etag") or "").strip('"')
    if operation == "put":
        return {"key": key, "etag": etag, "size": len(content)}
    if len(found) > max_bytes:
        raise NonRetryableError(f"the object has {len(found)} bytes, more than {max_bytes}")
    try:
        text = base64.b64encode(found).decode() if encoding == "base64" else found.decode("utf-8")
    except UnicodeDecodeError:
        raise NonRetryableError("the object is not text; get it as base64") from None
    return {
        "key": key,
        "etag": etag,
        "size": len(found),
        "contentType": response.headers.get("content-type") or "",
        "body": text,
    }
