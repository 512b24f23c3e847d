/** Checks that go before the entry code: each answers by itself when it refuses, or goes on. */

export type Snippet = {
  id: string;
  title: string;
  /** The secret it reads, where it reads one. */
  secret: string | null;
  code: string;
};

export const SNIPPETS: readonly Snippet[] = [
  {
    id: "hmac",
    title: "Verify an HMAC signature",
    secret: "WEBHOOK_SECRET",
    code: `\
# X-Signature is the HMAC-SHA256 of the body with WEBHOOK_SECRET, in hex.
import hashlib
import hmac

secret = getattr(env, "WEBHOOK_SECRET", "")
body = await request.clone().bytes()
expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
given = request.headers.get("X-Signature") or ""
if not secret or not hmac.compare_digest(expected.encode(), given.encode()):
    return Response.json({"error": "The signature is wrong."}, status=401)
`,
  },
  {
    id: "bearer",
    title: "Require a bearer token",
    secret: "API_TOKEN",
    code: `\
# Authorization: Bearer with API_TOKEN.
import hmac

token = getattr(env, "API_TOKEN", "")
given = request.headers.get("Authorization") or ""
if not token or not hmac.compare_digest(f"Bearer {token}".encode(), given.encode()):
    return Response.json({"error": "The token is wrong."}, status=401)
`,
  },
  {
    id: "stripe",
    title: "Verify a Stripe signature",
    secret: "STRIPE_WEBHOOK_SECRET",
    code: `\
# Stripe signs time and body with STRIPE_WEBHOOK_SECRET; what is older than 5 minutes is refused.
import hashlib
import hmac
import time

secret = getattr(env, "STRIPE_WEBHOOK_SECRET", "")
body = await request.clone().bytes()
header = request.headers.get("Stripe-Signature") or ""
pairs = [pair.strip().partition("=") for pair in header.split(",")]
sent = next((value for name, _, value in pairs if name == "t"), "")
signatures = [value for name, _, value in pairs if name == "v1"]
expected = hmac.new(secret.encode(), sent.encode() + b"." + body, hashlib.sha256).hexdigest()
signed = any(hmac.compare_digest(expected.encode(), value.encode()) for value in signatures)
recent = sent.isascii() and sent.isdigit() and abs(time.time() - int(sent[:12])) < 300
if not secret or not signed or not recent:
    return Response.json({"error": "The signature is wrong."}, status=401)
`,
  },
  {
    id: "github",
    title: "Verify a GitHub webhook",
    secret: "GITHUB_WEBHOOK_SECRET",
    code: `\
# GitHub signs the body with GITHUB_WEBHOOK_SECRET; its first delivery is a ping.
import hashlib
import hmac

secret = getattr(env, "GITHUB_WEBHOOK_SECRET", "")
body = await request.clone().bytes()
expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
given = request.headers.get("X-Hub-Signature-256") or ""
if not secret or not hmac.compare_digest(expected.encode(), given.encode()):
    return Response.json({"error": "The signature is wrong."}, status=401)
if request.headers.get("X-GitHub-Event") == "ping":
    return Response.json({"pong": True})
`,
  },
  {
    id: "idempotent",
    title: "One run for each Idempotency-Key",
    secret: null,
    code: `\
# The same Idempotency-Key always means the same run.
import hashlib

key = request.headers.get("Idempotency-Key")
if request.method == "POST" and key:
    instance_id = hashlib.sha256(key.encode()).hexdigest()[:32]
    try:
        params = await request.clone().json()
    except (ValueError, RecursionError):
        params = None  # the body is not JSON
    try:
        await env.WORKFLOW.create(id=instance_id, params=params)
    except Exception as error:
        if "already_exists" not in str(error):
            raise
    return Response.json({"instanceId": instance_id})
`,
  },
  {
    id: "routes",
    title: "Only some paths and methods",
    secret: null,
    code: `\
# Only these paths start runs, and only by POST.
from urllib.parse import urlsplit

path = urlsplit(request.url).path
if not path.endswith(("/", "/orders")):
    return Response.json({"error": "There is nothing here."}, status=404)
if request.method not in ("GET", "POST"):
    return Response.json({"error": "Send a POST."}, status=405)
`,
  },
];

/** The code with the check before it; null when it is there already. */
export function withSnippet(code: string, snippet: Snippet): string | null {
  const first = snippet.code.split("\n", 1)[0] as string;
  return code.includes(first) ? null : `${snippet.code}\n${code}`;
}
