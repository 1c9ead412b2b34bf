"""The jars of a release, from Maven Central by mvn, which reads the machine's own settings (mirrors, proxies)."""
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import cache
from .cache import say
from .errors import Unavailable

# What the server itself never uses; and from 2.1 on logback is the one logger.
EXCLUDED = ['junit:junit', 'org.hamcrest:*', 'org.apache.hadoop:*', 'org.apache.pig:*', 'org.mortbay.jetty:*',
            'org.jboss.netty:*']
EXCLUDED_SINCE_LOGBACK = ['org.slf4j:slf4j-log4j12', 'log4j:log4j']
# cassandra-all's own description leaves cassandra-thrift out from 3.11.11 on.
ARTIFACTS = ['cassandra-all', 'cassandra-thrift']

PROJECT = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>cassandra-server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
{dependencies}
  </dependencies>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version>
  </plugin></plugins></build>
</project>
"""
DEPENDENCY = """\
    <dependency>
      <groupId>org.apache.cassandra</groupId><artifactId>{artifact}</artifactId><version>{release}</version>
      <exclusions>
{exclusions}
      </exclusions>
    </dependency>"""
EXCLUSION = '        <exclusion><groupId>{}</groupId><artifactId>{}</artifactId></exclusion>'


def project(release: str) -> str:
    """The Maven project whose dependencies are the server of a release."""
    logback = not release.startswith(('1.', '2.0.'))
    excluded = EXCLUDED + (EXCLUDED_SINCE_LOGBACK if logback else [])
    exclusions = '\n'.join(EXCLUSION.format(*name.split(':')) for name in excluded)
    return PROJECT.format(dependencies='\n'.join(
        DEPENDENCY.format(artifact=artifact, release=release, exclusions=exclusions) for artifact in ARTIFACTS))


def find(release: str) -> pathlib.Path:
    """The folder with the jars of a release such as 2.1.22; they are fetched where they are missing."""
    folder = cache.folder() / 'jars' / release
    if not (folder / '.complete').exists():
        with cache.locked(f'jars-{release}'):
            if not (folder / '.complete').exists():
                _fetch(release, folder)
    return folder


def _fetch(release: str, folder: pathlib.Path) -> None:
    mvn = shutil.which('mvn')
    if mvn is None:
        raise Unavailable(f'the jars of Cassandra {release} are fetched by Maven, and there is no mvn here: install it '
                     '(Debian and Ubuntu: apt-get install maven)')
    say(f'fetching the jars of Cassandra {release} from Maven Central into {folder}')
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f'{release}-') as scratch:
        pathlib.Path(scratch, 'pom.xml').write_text(project(release))
        jars = pathlib.Path(scratch, 'jars')
        done = subprocess.run([mvn, '-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime',
                               f'-DoutputDirectory={jars}'], cwd=scratch, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode:
            raise Unavailable(f'mvn found no jars of Cassandra {release}:\n{done.stdout[-2000:]}')
        (jars / '.complete').touch()
        # The folder appears whole or not at all.
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(jars, folder)
