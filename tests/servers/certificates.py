"""A certificate authority for one cluster: certificates for its servers and for a client, and Java's key stores."""
import pathlib
import shutil
import subprocess
from typing import List, Sequence

from .configuration import STORE_PASSWORD
from .errors import Unavailable

DAYS = '7'
EXTENSIONS = """\
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
subjectAltName = {hosts}
extendedKeyUsage = serverAuth, clientAuth
[client]
extendedKeyUsage = clientAuth
"""


def make(folder: pathlib.Path, hosts: Sequence[str], keytool: str) -> pathlib.Path:
    """Write ca.pem, client.pem, client.key for clients and server.jks, ca.jks for servers into `folder`; gives it."""
    if shutil.which('openssl') is None:
        raise Unavailable('certificates are made by openssl, which is not here: install it')
    folder.mkdir(parents=True, exist_ok=True)
    names = ', '.join(f'IP:{host}' for host in hosts)
    (folder / 'extensions.cnf').write_text(EXTENSIONS.format(hosts=names))
    config = ['-config', 'extensions.cnf']
    _run(folder, 'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-sha256', '-days', DAYS, '-keyout',
         'ca.key', '-out', 'ca.pem', '-subj', '/CN=CA of a test cluster', '-extensions', 'ca', *config)
    for name in ('server', 'client'):
        _run(folder, 'openssl', 'req', '-newkey', 'rsa:2048', '-nodes', '-keyout', f'{name}.key', '-out',
             f'{name}.csr', '-subj', f'/CN=test {name}', *config)
        _run(folder, 'openssl', 'x509', '-req', '-sha256', '-days', DAYS, '-in', f'{name}.csr', '-out', f'{name}.pem',
             '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'extensions.cnf', '-extensions', name)
    # 3DES is what every Java 8 reads; the password keeps nobody out, Java wants one.
    _run(folder, 'openssl', 'pkcs12', '-export', '-in', 'server.pem', '-inkey', 'server.key', '-certfile', 'ca.pem',
         '-name', 'server', '-out', 'exported.p12', '-passout', f'pass:{STORE_PASSWORD}', '-certpbe',
         'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1')
    _run(folder, keytool, '-importkeystore', '-noprompt', '-srckeystore', 'exported.p12', '-srcstoretype', 'PKCS12',
         '-srcstorepass', STORE_PASSWORD, '-destkeystore', 'server.jks', '-deststoretype', 'JKS', '-deststorepass',
         STORE_PASSWORD)
    _run(folder, keytool, '-importcert', '-noprompt', '-alias', 'ca', '-file', 'ca.pem', '-keystore', 'ca.jks',
         '-storetype', 'JKS', '-storepass', STORE_PASSWORD)
    return folder


def _run(folder: pathlib.Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode:
        shown: List[str] = list(command[:3])
        raise Unavailable(f'{" ".join(shown)} ... failed:\n{done.stdout[-2000:]}')
