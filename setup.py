"""Build of pycassa: maps the fixed top level to packages and offers the alias package `cassandra` on request.

`python setup.py --cassandra install`, or `pip install --config-settings=--global-option=--cassandra .`, adds a module
`cassandra` that is pycassa.cassandra under its old name. It is refused where the CQL driver, which owns that name
today, is installed.
"""
import importlib.metadata
import os
import re
import site
import sys
import sysconfig

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.errors import OptionError

HERE = os.path.dirname(os.path.abspath(__file__))
DRIVERS = {'cassandra-driver', 'scylla-driver'}
# The folders beside pycassa/ that install inside it.
MAPPED = {'pycassa.cassandra': 'cassandra', 'pycassa._speedups': '_speedups'}


def installed_drivers():
    """The CQL drivers in the environment that this build installs into (which pip's build isolation hides)."""
    paths = {sysconfig.get_path('purelib'), sysconfig.get_path('platlib')}
    if site.ENABLE_USER_SITE:
        paths.add(site.getusersitepackages())
    names = {re.sub(r'[-_.]+', '-', distribution.metadata['Name'] or '').lower()
             for distribution in importlib.metadata.distributions(path=list(paths))}
    return sorted(names & DRIVERS)


def take_option(name):
    """Whether the command line has a global option of ours; it is taken off.

    Read from the command line itself: pip hands global options to the build behind the command, where distutils looks
    for options of that command.
    """
    found = name in sys.argv
    sys.argv[:] = [argument for argument in sys.argv if argument != name]
    return found


WITH_ALIAS = take_option('--cassandra')


class BuildPy(build_py):
    """build_py that adds the alias module: a file cassandra.py, which gives way to a package of that name.

    A module, not a package: should the CQL driver be installed later, its package `cassandra` takes precedence over
    the file, and neither distribution owns a file of the other's.
    """

    def finalize_options(self):
        super().finalize_options()
        if not WITH_ALIAS:
            return
        drivers = installed_drivers()
        if drivers:
            raise OptionError(f'--cassandra would hide the package `cassandra` of {", ".join(drivers)}, which is '
                              'installed here. Leave the option out: pycassa.cassandra is always installed.')
        if getattr(self, 'editable_mode', False):
            raise OptionError('--cassandra is not offered for editable installs: put the checkout on sys.path instead.')

    def _alias(self):
        return os.path.join(self.build_lib, 'cassandra.py')

    def run(self):
        super().run()
        if WITH_ALIAS:
            self.mkpath(self.build_lib)
            self.copy_file(os.path.join(HERE, 'cassandra', '__init__.py'), self._alias())

    def get_outputs(self, include_bytecode=1):
        outputs = super().get_outputs(include_bytecode)
        return outputs + [self._alias()] if WITH_ALIAS else outputs


setup(
    license='MIT',
    packages=[*find_packages(HERE, include=['pycassa', 'pycassa.*']), *MAPPED],
    package_dir=MAPPED,
    package_data={'pycassa': ['py.typed'], 'pycassa.cassandra': ['cassandra.thrift']},
    cmdclass={'build_py': BuildPy},
)
