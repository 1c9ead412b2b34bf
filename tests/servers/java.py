"""A Java that all releases run on: one that is here already, or Java 8 of Debian's archive, unpacked beside the system.

Java 8 is what these releases were made for, and 11 runs them all; later ones refuse what they do with memory.
"""
import os
import pathlib
import platform
import re
import shutil
import subprocess
from typing import Iterator, List, NamedTuple, Optional, Tuple

from . import cache
from .cache import say
from .errors import Unavailable

GOOD = (8, 11)
ARCHIVE = 'http://deb.debian.org/debian'
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
# libc6 because sid's Java may want a later one than the system has; patchelf makes Java's programs use it.
PACKAGES = ('openjdk-8-jre-headless', 'libc6', 'patchelf')
INSTALLED = pathlib.Path('usr/lib/jvm/java-8-openjdk-amd64')
LIBRARIES = pathlib.Path('usr/lib/x86_64-linux-gnu')
SETTINGS = """\
Dir::State "{0}/apt"; Dir::State::status "{0}/status"; Dir::Cache "{0}/cache"; Dir::Etc::sourcelist "{0}/sources.list";
Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "root"; Acquire::Languages "none";
"""


class Java(NamedTuple):
    """A Java that works."""

    home: pathlib.Path
    version: int

    def tool(self, name: str) -> str:
        """The path of one of its programs, such as keytool."""
        return str(self.home / 'bin' / name)


def version_of(text: str) -> Optional[int]:
    """8 of what `java -version` says of 1.8.0_452, 11 of 11.0.2."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else None


def probe(home: pathlib.Path) -> Optional[Java]:
    """The Java in a folder, if its java starts."""
    try:
        done = subprocess.run([str(home / 'bin' / 'java'), '-version'], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = version_of(done.stdout)
    return Java(home, version) if done.returncode == 0 and version is not None else None


def find() -> Java:
    """PYCASSA_JAVA_HOME, else JAVA_HOME or the java in the path if that is 8 or 11, else one that is fetched."""
    named = os.environ.get('PYCASSA_JAVA_HOME')
    if named:
        found = probe(pathlib.Path(named))
        if found is None or found.version not in GOOD:
            what = 'has no java that starts' if found is None else f'is Java {found.version}'
            raise Unavailable(f'PYCASSA_JAVA_HOME={named} {what}: it must name a Java 8 or 11')
        return found
    for home in _candidates():
        found = probe(home)
        if found is not None and found.version in GOOD:
            return found
    return fetched()


def _candidates() -> Iterator[pathlib.Path]:
    if os.environ.get('JAVA_HOME'):
        yield pathlib.Path(os.environ['JAVA_HOME'])
    path = shutil.which('java')
    if path:
        yield pathlib.Path(path).resolve().parent.parent


def fetched() -> Java:
    """Java 8 in the cache; it is fetched where it is missing."""
    folder = cache.folder() / 'jre8'
    home = folder / 'root' / INSTALLED
    complete = folder / '.complete'
    if not complete.exists():
        with cache.locked('jre8'):
            if not complete.exists():
                _fetch(folder)
                complete.touch()
    found = probe(home)
    if found is None:
        raise Unavailable(f'the Java in {folder} does not start: remove that folder, and it is fetched again')
    return found


def mirror(sources: pathlib.Path = pathlib.Path('/etc/apt'), system: str = '/etc/os-release') -> str:
    """The Debian mirror that this machine uses, or Debian's own address on a machine that is not Debian's."""
    named = os.environ.get('PYCASSA_DEBIAN_MIRROR')
    if named:
        return named
    try:
        debian = re.search(r'^ID="?debian"?$', pathlib.Path(system).read_text(), re.M)
    except OSError:
        debian = None
    for path in [sources / 'sources.list.d' / 'debian.sources', sources / 'sources.list'] if debian else []:
        text = path.read_text() if path.exists() else ''
        found = re.search(r'^URIs:\s*(\S+)', text, re.M) or re.search(r'^deb\s+(?:\[[^]]*\]\s+)?(\w+:\S+)', text, re.M)
        if found:
            return found.group(1)
    return ARCHIVE


def _fetch(folder: pathlib.Path) -> None:
    _check_machine()
    say(f'no Java 8 or 11 here (JAVA_HOME, PYCASSA_JAVA_HOME, the path): fetching {", ".join(PACKAGES)} of Debian sid')
    say(f'they are unpacked into {folder}; nothing of the system is changed, and apt checks their signatures')
    shutil.rmtree(folder, ignore_errors=True)
    root, packages = folder / 'root', folder / 'packages'
    for path in (root, packages, folder / 'apt' / 'lists' / 'partial', folder / 'cache' / 'archives' / 'partial'):
        path.mkdir(parents=True)
    (folder / 'status').touch()
    (folder / 'sources.list').write_text(f'deb [arch=amd64 signed-by={KEYRING}] {mirror()} sid main\n')
    (folder / 'apt.conf').write_text(SETTINGS.format(folder))
    apt = ['apt-get', '-q', *os.environ.get('APT_OPTS', '').split()]
    environment = {**os.environ, 'APT_CONFIG': str(folder / 'apt.conf')}
    for arguments in (['update'], ['download', *PACKAGES]):
        _run([*apt, *arguments], packages, environment)
    for package in sorted(packages.glob('*.deb')):
        _run(['dpkg-deb', '-x', str(package), str(root)], packages)
    _relocate(root)
    for leftover in (folder / 'apt', folder / 'cache', packages):
        shutil.rmtree(leftover)


def _check_machine() -> None:
    if platform.machine() not in ('x86_64', 'AMD64') or platform.system() != 'Linux':
        raise Unavailable('Java 8 is fetched for Linux on amd64 only: set PYCASSA_JAVA_HOME to a Java 8 or 11')
    for tool in ('apt-get', 'dpkg-deb'):
        if shutil.which(tool) is None:
            raise Unavailable(f'Java 8 is fetched by {tool}, which is not here: '
                              'set PYCASSA_JAVA_HOME to a Java 8 or 11')
    if not os.path.exists(KEYRING):
        raise Unavailable('the keys of Debian are missing: install the package debian-archive-keyring, '
                     'or set PYCASSA_JAVA_HOME to a Java 8 or 11')


def _relocate(root: pathlib.Path) -> None:
    """Make the unpacked Java use the libraries, and the settings, that were unpacked beside it."""
    home, libraries = root / INSTALLED, root / LIBRARIES
    for path in home.rglob('*'):
        if path.is_symlink() and os.readlink(path).startswith('/etc/'):
            target = os.readlink(path)
            path.unlink()
            path.symlink_to(f'{root}{target}')
    loader = libraries / 'ld-linux-x86-64.so.2'
    patchelf = [str(loader), '--library-path', str(libraries), str(root / 'usr/bin/patchelf')]
    # An RPATH, unlike a RUNPATH, also serves what Java loads later.
    search = f'$ORIGIN/../lib/amd64/jli:$ORIGIN/../lib/amd64:{libraries}'
    for program in sorted((home / 'jre' / 'bin').iterdir()):
        _run([*patchelf, '--set-interpreter', str(loader), '--force-rpath', '--set-rpath', search, str(program)], root)


def _run(command: List[str], where: pathlib.Path, environment: 'Optional[dict[str, str]]' = None) -> None:
    """Run a command whose output is shown only if it fails."""
    done = subprocess.run(command, cwd=where, env=environment, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode:
        hint = _hint(done.stdout)
        raise Unavailable(f'{" ".join(command[:3])} ... failed:\n{done.stdout[-2000:]}{hint}')


def _hint(output: str) -> str:
    known: List[Tuple[str, str]] = [
        ('expired', "the mirror lags: APT_OPTS='-o Acquire::Check-Valid-Until=false' allows that"),
        ('NO_PUBKEY', 'the package debian-archive-keyring is older than the archive: update it')]
    return ''.join(f'\n{advice}' for text, advice in known if text in output)
