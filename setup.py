"""Build of pycassa: maps the fixed top level to packages, compiles the codec where that is possible, and offers the
alias package `cassandra` on request.

The compiled codec is optional. Where it cannot be built the reason goes to stderr once, and the build is pure.
PYCASSA_REQUIRE_EXTENSIONS=1 makes that an error; PYCASSA_FORBID_EXTENSIONS=1 builds none. CFLAGS and LDFLAGS reach the
compiler.

`python setup.py --cassandra install`, or `pip install --config-settings=--global-option=--cassandra .`, adds a module
`cassandra` that is pycassa.cassandra under its old name. It is refused where the CQL driver, which owns that name
today, is installed.
"""
import glob
import importlib.metadata
import os
import re
import site
import sys
import sysconfig

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import BaseError, CCompilerError, CompileError, OptionError, PlatformError

HERE = os.path.dirname(os.path.abspath(__file__))
DRIVERS = {'cassandra-driver', 'scylla-driver'}
# The folders beside pycassa/ that install inside it.
MAPPED = {'pycassa.cassandra': 'cassandra', 'pycassa._speedups': '_speedups'}
# One module, so that there is no such thing as half of the codec: its source includes the other .pyx of the folder.
CODEC = Extension('pycassa._speedups.protocol', sources=['_speedups/protocol.pyx'],
                  depends=sorted(glob.glob('_speedups/*.pyx')))
CODEC_FILE = 'protocol' + (sysconfig.get_config_var('EXT_SUFFIX') or '.so')


def is_set(variable):
    return os.environ.get(variable, '').strip() not in ('', '0')


REQUIRED, FORBIDDEN = is_set('PYCASSA_REQUIRE_EXTENSIONS'), is_set('PYCASSA_FORBID_EXTENSIONS')
if REQUIRED and FORBIDDEN:
    raise SystemExit('error: PYCASSA_REQUIRE_EXTENSIONS and PYCASSA_FORBID_EXTENSIONS are both set: choose one')


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
        if FORBIDDEN and getattr(self, 'editable_mode', False):
            discard(os.path.join('_speedups', CODEC_FILE))
        if WITH_ALIAS:
            self.mkpath(self.build_lib)
            self.copy_file(os.path.join(HERE, 'cassandra', '__init__.py'), self._alias())

    def get_outputs(self, include_bytecode=1):
        outputs = super().get_outputs(include_bytecode)
        return outputs + [self._alias()] if WITH_ALIAS else outputs


# --- the compiled codec ----------------------------------------------------------------------------------------------

def discard(path):
    """Remove a module of an earlier build, which would pass for one of this build."""
    if os.path.exists(path):
        print(f'pycassa: removing {path}, of an earlier build', file=sys.stderr)
        os.remove(path)


def need_cython():
    """Raise PlatformError unless Cython 3 is there, in the environment that builds."""
    try:
        import Cython
    except ImportError as error:
        raise PlatformError('Cython 3 is not installed where the build runs') from error
    if int(Cython.__version__.split('.')[0]) < 3:
        raise PlatformError(f'Cython 3 is needed, and the build runs with {Cython.__version__}')


class BuildExt(build_ext):
    """build_ext that leaves a pure build where the codec cannot be compiled."""

    def finalize_options(self):
        super().finalize_options()
        # Of the build_ext of Cython, which setuptools' derives from: no .c beside the .pyx.
        self.cython_c_in_temp = True

    def run(self):
        in_place = self.inplace
        try:
            need_cython()
            super().run()
        except (BaseError, CCompilerError) as error:
            if REQUIRED:
                raise PlatformError('PYCASSA_REQUIRE_EXTENSIONS is set, and the compiled codec cannot be built: '
                                    f'{error}') from error
            print(f'pycassa: the compiled codec cannot be built: {error}\n'
                  'pycassa: this build is pure Python, which does the same, only slower. '
                  'PYCASSA_REQUIRE_EXTENSIONS=1 makes this an error.', file=sys.stderr)
            discard(os.path.join(self.build_lib, 'pycassa', '_speedups', CODEC_FILE))
            if in_place:
                discard(os.path.join('_speedups', CODEC_FILE))
            self._make_pure()

    def build_extensions(self):
        self._try_compiler()
        if self.compiler.compiler_type == 'unix' and '-O' not in os.environ.get('CFLAGS', ''):
            CODEC.extra_compile_args = ['-O3']
        super().build_extensions()

    def build_extension(self, ext):
        from Cython.Compiler.Errors import CompileError as TranslationError
        try:
            super().build_extension(ext)
        except TranslationError as error:
            raise CompileError(f'Cython does not translate {ext.name}: {error}') from error

    def _try_compiler(self):
        """Compile next to nothing: a machine without a compiler need not wait for Cython to find that out."""
        self.mkpath(self.build_temp)
        probe = os.path.join(self.build_temp, 'probe.c')
        with open(probe, 'w') as file:
            file.write('#include <Python.h>\n')
        try:
            self.compiler.compile([probe], output_dir=self.build_temp)
        except CompileError as error:
            raise PlatformError('there is no C compiler that works with the headers of this Python '
                                f'(Debian: gcc and python3-dev): {error}') from error

    def _make_pure(self):
        """Take the module out of the distribution, and the platform out of the tag of a wheel that is being built."""
        self.extensions = self.distribution.ext_modules = []
        wheel = self.distribution.command_obj.get('bdist_wheel')
        if wheel is not None:
            wheel.root_is_pure = True


setup(
    license='MIT',
    packages=[*find_packages(HERE, include=['pycassa', 'pycassa.*']), *MAPPED],
    package_dir=MAPPED,
    # Listed one by one: what MANIFEST.in takes into the sdist, such as .pyx, does not go into wheels.
    include_package_data=False,
    package_data={'pycassa': ['py.typed'], 'pycassa.cassandra': ['cassandra.thrift'], 'pycassa._speedups': ['*.pyi']},
    ext_modules=[] if FORBIDDEN else [CODEC],
    cmdclass={'build_py': BuildPy, 'build_ext': BuildExt},
)
