import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, parseaddr

from workers.workflows import NonRetryableError


def send_email(
    host,
    sender,
    to,
    subject,
    text,
    idempotency_key,
    port=587,
    security="starttls",
    username=None,
    password=None,
    reply_to=None,
    html=None,
):
    """Send an email over SMTP. Every attempt has the same Message-ID, so readers show it once."""

    def refused(code, words):
        said = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        if password:
            said = said.replace(password, "***")
        message = f"{host} answered {code}: {said[:300]}"
        # SMTP counts the other way round: 5xx is final, 4xx is for now.
        return NonRetryableError(message) if code >= 500 else RuntimeError(message)

    mail = EmailMessage()
    try:
        mail["From"] = sender
        mail["To"] = ", ".join(to)
        mail["Subject"] = subject
        if reply_to:
            mail["Reply-To"] = reply_to
    except ValueError as error:
        raise NonRetryableError(f"the email cannot be addressed: {error}") from None
    domain = parseaddr(sender)[1].rpartition("@")[2] or host
    mail["Message-ID"] = f"<{idempotency_key}@{domain}>"
    mail["Date"] = formatdate(localtime=False)
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")

    trusted = ssl.create_default_context() if security != "none" else None
    try:
        if security == "tls":
            server = smtplib.SMTP_SSL(host, port, timeout=60, context=trusted)
        else:
            server = smtplib.SMTP(host, port, timeout=60)
        with server:
            if security == "starttls":
                server.starttls(context=trusted)
            if username:
                server.login(username, password or "")
            missed = server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, words = max(error.recipients.values())
        raise refused(code, words) from None
    except smtplib.SMTPResponseException as error:
        raise refused(error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPNotSupportedError as error:
        raise NonRetryableError(f"{host}: {error}") from None
    return {"messageId": mail["Message-ID"], "refused": sorted(missed)}
