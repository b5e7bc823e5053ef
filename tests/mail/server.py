"""A mail server for tests, in an environment of its own: server.py [--login USER PASSWORD] [--tls CERT KEY] [--refuse ADDRESS].
Prints its port, then each letter that it took as one line of JSON; ends with its input."""
import argparse
import asyncio
import json
import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult

p = argparse.ArgumentParser()
p.add_argument("--login", nargs=2)
p.add_argument("--tls", nargs=2)
p.add_argument("--refuse", action="append", default=[])
given = p.parse_args()


class Letters:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in given.refuse:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        letter = message_from_bytes(envelope.content, policy=policy.default)
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "subject": letter["Subject"], "id": letter["Message-ID"],
                          "text": letter.get_content(), "authenticated": bool(session.authenticated), "encrypted": bool(session.ssl)}), flush=True)
        return "250 taken"


def login(server, session, envelope, mechanism, data):
    return AuthResult(success=[data.login.decode(), data.password.decode()] == given.login)


async def main():
    context = None
    if given.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*given.tls)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Letters(), tls_context=context, require_starttls=bool(context), authenticator=login,
                                                   auth_required=bool(given.login), auth_require_tls=False), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
