"""A front that speaks TLS to clients, and plain bytes to the server behind it; and the certificates of its kinds."""
import asyncio
import datetime
import pathlib
import ssl
import subprocess
import threading
from typing import Any, List, Optional, Tuple

__all__ = ['Authority', 'TLSFront', 'server_context']

_PATIENCE = 30.0
Files = Tuple[str, str]


class TLSFront:
    """Listens on a free port of the loopback while its `with` block runs; what it decrypts goes to `port`.

    `handshakes` counts those that succeeded, and `plain` the decrypted bytes that came from clients.
    """

    def __init__(self, port: int, context: ssl.SSLContext, host: str = '127.0.0.1') -> None:
        self.port = 0
        self.host = host
        self.handshakes = self.plain = 0
        self._behind = port
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda loop, context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, name='TLS front', daemon=True)

    def __enter__(self) -> 'TLSFront':
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_PATIENCE)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    @property
    def address(self) -> str:
        return f'{self.host}:{self.port}'

    def renew(self, files: Files) -> None:
        """Show this certificate in handshakes from now on."""
        self._context.load_cert_chain(*files)

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._serve, self.host, 0, ssl=self._context, backlog=500)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._listener.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.handshakes += 1
        try:
            replies, requests = await asyncio.open_connection('127.0.0.1', self._behind)
            back = asyncio.ensure_future(self._carry(replies, writer))
            try:
                await self._carry(reader, requests, count=True)
            finally:
                back.cancel()
                requests.close()
        except (OSError, asyncio.CancelledError):
            pass  # One of the ends has gone, or the front is closed. Streams make a noise of tasks that were cancelled.
        finally:
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: bool = False) -> None:
        while data := await reader.read(65536):
            self.plain += len(data) if count else 0
            writer.write(data)
            await writer.drain()
        writer.close()


def server_context(files: Files, highest: Optional[ssl.TLSVersion] = None,
                   clients: Optional[str] = None) -> ssl.SSLContext:
    """A server's context with a certificate; `highest` is the newest TLS it speaks, `clients` whom it wants signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    if highest is not None:
        context.set_ciphers('ALL:@SECLEVEL=0')
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = highest
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    return context


class Authority:
    """An authority of the openssl command's, and what it signs: (certificate file, key file)."""

    def __init__(self, folder: pathlib.Path, name: str = 'authority') -> None:
        self.folder = folder
        self.name = name
        self.files = self.own(name, ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'])

    @property
    def certificate(self) -> str:
        return self.files[0]

    def own(self, name: str, extensions: List[str]) -> Files:
        """A certificate that is its own authority."""
        files = self._files(name)
        self._run('req', '-x509', *self._key(files), '-days', '2', '-subj', f'/CN={name}', '-out', files[0],
                  *(part for extension in extensions for part in ('-addext', extension)))
        return files

    def signed(self, name: str, alternatives: str, begins: int = -1, ends: int = 2, password: str = '') -> Files:
        """A certificate for the subject `alternatives`, valid from and to so many days from now."""
        files = self._files(name)
        request, extensions = self.folder / f'{name}.csr', self.folder / f'{name}.ext'
        extensions.write_text(f'subjectAltName={alternatives}\n')
        self._run('req', '-new', *self._key(files, password), '-subj', f'/CN={name}', '-out', str(request))
        database = self.folder / f'{name}.db'
        database.touch()
        (self.folder / f'{name}.cnf').write_text(_SETTINGS.format(folder=self.folder, database=database))
        self._sign(name, '-in', str(request), '-out', files[0], '-notext', '-extfile', str(extensions),
                   '-rand_serial', '-startdate', _date(begins), '-enddate', _date(ends))
        return files

    def revoke(self, name: str) -> str:
        """The file of a list of revoked certificates, with that of this name on it."""
        revoked = str(self.folder / f'{name}.crl')
        self._sign(name, '-revoke', self._files(name)[0])
        self._sign(name, '-gencrl', '-crldays', '2', '-out', revoked)
        return revoked

    def _sign(self, name: str, *arguments: str) -> None:
        self._run('ca', '-batch', '-config', str(self.folder / f'{name}.cnf'), '-cert', self.files[0],
                  '-keyfile', self.files[1], *arguments)

    def _files(self, name: str) -> Files:
        return str(self.folder / f'{name}.pem'), str(self.folder / f'{name}.key')

    @staticmethod
    def _key(files: Files, password: str = '') -> List[str]:
        protection = ['-passout', f'pass:{password}'] if password else ['-nodes']
        return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', *protection, '-keyout', files[1]]

    @staticmethod
    def _run(*arguments: str) -> None:
        done = subprocess.run(['openssl', *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


_SETTINGS = """\
[ca]
default_ca = own
[own]
new_certs_dir = {folder}
database = {database}
default_md = sha256
policy = any
unique_subject = no
rand_serial = yes
[any]
commonName = supplied
"""


def _date(days: int) -> str:
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime('%Y%m%d%H%M%SZ')
