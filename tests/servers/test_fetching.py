"""A Java and jars: which Java is taken, what is fetched, and how often by runs at the same time."""
import os
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ElementTree

import pytest

from . import cache, jars, java
from .errors import Unavailable
from .test_processes import TESTS

EIGHT = 'openjdk version "1.8.0_452"'
ELEVEN = 'openjdk version "11.0.2" 2019-01-15'
SEVENTEEN = 'openjdk version "17.0.15" 2025-04-15'
NAMESPACE = '{http://maven.apache.org/POM/4.0.0}'


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch, tmp_path):
    """An empty cache, and no Java."""
    monkeypatch.setenv('PYCASSA_CASSANDRA_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setenv('PATH', str(tmp_path / 'bin'))
    for name in ('JAVA_HOME', 'PYCASSA_JAVA_HOME', 'PYCASSA_DEBIAN_MIRROR', 'APT_OPTS'):
        monkeypatch.delenv(name, raising=False)


def program(path, text):
    """A program of the shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\n' + textwrap.dedent(text))
    path.chmod(0o755)


def make_java(home, version):
    program(home / 'bin' / 'java', f"echo '{version}' >&2\n")
    return home


@pytest.mark.parametrize('text, version', [(EIGHT, 8), (ELEVEN, 11), (SEVENTEEN, 17), ('java version "9"', 9),
                                           ('Segmentation fault', None)])
def test_versions(text, version):
    assert java.version_of(text) == version


def test_the_java_that_is_named_comes_first(monkeypatch, tmp_path):
    make_java(tmp_path, EIGHT)                             # the one in the path
    assert java.find() == (tmp_path, 8)
    monkeypatch.setenv('JAVA_HOME', str(make_java(tmp_path / 'home', ELEVEN)))
    assert java.find() == (tmp_path / 'home', 11)
    monkeypatch.setenv('PYCASSA_JAVA_HOME', str(make_java(tmp_path / 'ours', EIGHT)))
    assert java.find() == (tmp_path / 'ours', 8)


@pytest.mark.parametrize('version, problem', [(SEVENTEEN, 'is Java 17'), (None, 'has no java that starts')])
def test_one_named_for_the_servers_must_do(version, problem, monkeypatch, tmp_path):
    if version:
        make_java(tmp_path / 'ours', version)
    make_java(tmp_path, EIGHT)
    monkeypatch.setenv('PYCASSA_JAVA_HOME', str(tmp_path / 'ours'))
    with pytest.raises(Unavailable, match=problem):
        java.find()


def test_the_wrong_java_is_passed_over(monkeypatch, tmp_path):
    monkeypatch.setenv('JAVA_HOME', str(make_java(tmp_path / 'home', SEVENTEEN)))
    make_java(tmp_path, SEVENTEEN)
    fetched = tmp_path / 'cache' / 'jre8'
    make_java(fetched / 'root' / java.INSTALLED, EIGHT)
    (fetched / '.complete').touch()
    assert java.find() == (fetched / 'root' / java.INSTALLED, 8)


def test_what_was_fetched_and_does_not_start(tmp_path):
    (tmp_path / 'cache' / 'jre8').mkdir(parents=True)
    (tmp_path / 'cache' / 'jre8' / '.complete').touch()
    with pytest.raises(Unavailable, match='remove that folder'):
        java.find()


@pytest.mark.parametrize('machine, system', [('aarch64', 'Linux'), ('x86_64', 'Darwin')])
def test_machines_for_which_none_is_fetched(machine, system, monkeypatch):
    monkeypatch.setattr(java.platform, 'machine', lambda: machine)
    monkeypatch.setattr(java.platform, 'system', lambda: system)
    with pytest.raises(Unavailable, match='set PYCASSA_JAVA_HOME to a Java 8 or 11'):
        java.find()


@pytest.fixture
def amd64(monkeypatch, tmp_path):
    monkeypatch.setattr(java.platform, 'machine', lambda: 'x86_64')
    monkeypatch.setattr(java.platform, 'system', lambda: 'Linux')
    monkeypatch.setattr(java, 'KEYRING', str(tmp_path / 'keyring'))
    return tmp_path


def test_without_apt(amd64):
    with pytest.raises(Unavailable, match='apt-get, which is not here'):
        java.find()


def test_without_the_keys_of_debian(amd64):
    for tool in ('apt-get', 'dpkg-deb'):
        program(amd64 / 'bin' / tool, 'exit 0')
    with pytest.raises(Unavailable, match='debian-archive-keyring'):
        java.find()


def test_a_mirror_that_lags(amd64, monkeypatch):
    (amd64 / 'keyring').touch()
    program(amd64 / 'bin' / 'dpkg-deb', 'exit 0')
    program(amd64 / 'bin' / 'apt-get', 'echo "E: Release file ... is expired" $@; exit 100')
    monkeypatch.setenv('APT_OPTS', '-o Some::Option=1')
    with pytest.raises(Unavailable, match="Check-Valid-Until=false' allows that") as caught:
        java.find()
    assert 'Some::Option=1 update' in str(caught.value)
    assert not (amd64 / 'cache' / 'jre8' / '.complete').exists()


@pytest.mark.parametrize('files, system, found', [
    ({'sources.list.d/debian.sources': 'Types: deb\nURIs: http://near/debian\nSuites: bookworm\n'}, 'ID=debian\n',
     'http://near/debian'),
    ({'sources.list': '# mine\ndeb [signed-by=/k] http://old/debian bookworm main\n'}, 'ID="debian"\n',
     'http://old/debian'),
    ({'sources.list': 'deb http://near/ubuntu noble main\n'}, 'ID=ubuntu\nID_LIKE=debian\n', java.ARCHIVE),
    ({}, 'ID=debian\n', java.ARCHIVE)])
def test_mirrors(files, system, found, tmp_path, monkeypatch):
    for name, text in files.items():
        path = tmp_path / 'apt' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / 'release').write_text(system)
    assert java.mirror(tmp_path / 'apt', tmp_path / 'release') == found
    monkeypatch.setenv('PYCASSA_DEBIAN_MIRROR', 'http://mine')
    assert java.mirror(tmp_path / 'apt', tmp_path / 'release') == 'http://mine'


@pytest.mark.parametrize('release, log4j', [('1.2.19', True), ('2.0.17', True), ('2.1.22', False), ('3.11.19', False)])
def test_projects(release, log4j):
    project = ElementTree.fromstring(jars.project(release))
    wanted = {(each.findtext(f'{NAMESPACE}artifactId'), each.findtext(f'{NAMESPACE}version'))
              for each in project.iter(f'{NAMESPACE}dependency')}
    assert wanted == {('cassandra-all', release), ('cassandra-thrift', release)}
    excluded = {each.text for each in project.iterfind(f'.//{NAMESPACE}exclusion/{NAMESPACE}artifactId')}
    assert ('log4j' not in excluded) == log4j and 'junit' in excluded


# What mvn does here: it takes its time, puts a jar where it is told, and notes that it ran.
MAVEN = """
for argument; do case $argument in -DoutputDirectory=*) out=${argument#*=};; esac; done
echo run >>"$RUNS"
/bin/sleep 0.3; /bin/mkdir -p "$out"; echo jar >"$out/cassandra-all.jar"
"""


def test_runs_at_the_same_time_fetch_once(tmp_path, monkeypatch):
    program(tmp_path / 'bin' / 'mvn', MAVEN)
    monkeypatch.setenv('RUNS', str(tmp_path / 'runs'))
    code = f'import sys; sys.path.insert(0, {str(TESTS)!r}); from servers import jars; print(jars.find("2.1.22"))'
    fetching = [subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 text=True) for _ in range(3)]
    folder = tmp_path / 'cache' / 'jars' / '2.1.22'
    assert [each.communicate()[0].strip() for each in fetching] == [str(folder)] * 3
    assert (tmp_path / 'runs').read_text() == 'run\n'
    assert sorted(os.listdir(folder)) == ['.complete', 'cassandra-all.jar']
    assert os.listdir(folder.parent) == ['2.1.22']


def test_half_of_the_jars_are_never_there(tmp_path, monkeypatch):
    program(tmp_path / 'bin' / 'mvn', MAVEN + 'echo no such release; exit 1\n')
    monkeypatch.setenv('RUNS', str(tmp_path / 'runs'))
    with pytest.raises(Unavailable, match='no such release'):
        jars.find('2.1.99')
    assert os.listdir(tmp_path / 'cache' / 'jars') == []


def test_without_maven():
    with pytest.raises(Unavailable, match='apt-get install maven'):
        jars.find('2.1.22')


def test_a_lock_is_let_go_by_one_that_dies(tmp_path):
    code = f"""
import sys, time
sys.path.insert(0, {str(TESTS)!r})
from servers import cache
with cache.locked('x'):
    print('in', flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True) as holding:
        assert holding.stdout.readline() == 'in\n'
        with subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as waiting:
            assert 'waiting for another process' in waiting.stderr.readline()
            assert waiting.poll() is None
            holding.kill()
            assert waiting.stdout.readline() == 'in\n'
            waiting.kill()
    with cache.locked('x'):
        pass
