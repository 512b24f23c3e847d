import json
import ssl
from urllib.parse import parse_qs, unquote, urlsplit

from workers.workflows import NonRetryableError


def postgres_query(url, sql, idempotency_key, parameters={}, max_rows=1000):
    """Run one SQL statement in a transaction of its own and return its rows."""
    try:
        from pg8000 import native
    except ImportError:
        raise NonRetryableError("the package pg8000 is not installed") from None

    def plain(value):
        return "\\x" + value.hex() if isinstance(value, bytes) else str(value)

    parts = urlsplit(url)
    mode = parse_qs(parts.query).get("sslmode", ["prefer"])[0]
    if mode in ("verify-ca", "verify-full"):
        trusted = ssl.create_default_context()
    elif mode == "require":
        trusted = ssl.create_default_context()
        trusted.check_hostname, trusted.verify_mode = False, ssl.CERT_NONE
    else:
        trusted = None if mode == "prefer" else False
    secret = unquote(parts.password or "")
    try:
        with native.Connection(
            unquote(parts.username or "postgres"),
            host=parts.hostname or "localhost",
            port=parts.port or 5432,
            database=unquote(parts.path[1:]) or None,
            password=secret or None,
            ssl_context=trusted,
            timeout=60,
            application_name="AwaitStep",
        ) as connection:
            found = connection.run(sql, **{"idempotency_key": idempotency_key, **parameters})
            columns = [column["name"] for column in connection.columns or []]
            affected = connection.row_count
    except native.DatabaseError as error:
        said = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
        state, words = said.get("C", ""), str(said.get("M", error))
        if secret:
            words = words.replace(secret, "***")
        message = f"Postgres answered {state}: {words[:300]}"
        # Lost connections, conflicts, too little of something, shutdowns: another try may do.
        if state[:2] in ("08", "40", "53", "57") or state == "55P03":
            raise RuntimeError(message) from None
        raise NonRetryableError(message) from None
    rows = found or []
    if len(rows) > max_rows:
        raise NonRetryableError(f"the query has {len(rows)} rows, more than {max_rows}")
    kept = [dict(zip(columns, row, strict=True)) for row in rows]
    return {
        "rows": json.loads(json.dumps(kept, default=plain)),
        "columns": columns,
        "rowCount": affected,
    }
