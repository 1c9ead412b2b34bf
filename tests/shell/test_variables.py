"""The variables of column families: identifiers, without clashes, and stable."""
import keyword

import pytest

from pycassa.shell.variables import Variables, variable_name


@pytest.mark.parametrize('family, variable', [
    ('Standard1', 'STANDARD1'), ('users', 'USERS'), ('Test ColumnFamily', 'TEST_COLUMNFAMILY'),
    ('my-users', 'MY_USERS'), ('2013', 'CF_2013'), ('a.b/c', 'A_B_C'), ('_hidden', '_HIDDEN'), ('straße', 'STRASSE'),
    ('', 'CF_'), ('-', '_'), ('ﬁles', 'FILES'), ('名前', '名前'), ('x²', 'X2'),
    ('none', 'NONE'),
])
def test_variable_names(family, variable):
    assert variable_name(family) == variable
    assert variable.isidentifier() and not keyword.iskeyword(variable)
    namespace = {}
    exec(f'{variable} = 1', namespace)
    assert namespace[variable] == 1, 'the compiler knows it by another name'


def assigned(families, namespace=()):
    variables = Variables()
    variables.assign(families, dict.fromkeys(namespace))
    return {family: variables[family] for family in families}


def test_families_of_one_upper_case_name_are_told_apart():
    assert assigned(['users', 'Users', 'USERS']) == {'USERS': 'USERS', 'Users': 'USERS_2', 'users': 'USERS_3'}


def test_names_that_are_identifiers_come_first():
    assert assigned(['a b', 'a_b', 'a-b']) == {'a_b': 'A_B', 'a b': 'A_B_2', 'a-b': 'A_B_3'}


def test_a_number_that_is_taken_is_passed_over():
    assert assigned(['x', 'X', 'x_2']) == {'X': 'X', 'x': 'X_2', 'x_2': 'X_2_2'}


def test_what_the_shell_and_its_user_have_is_left_alone():
    assert assigned(['pool', 'System_Manager', 'free'], ['POOL', 'SYSTEM_MANAGER']) == {
        'pool': 'POOL_2', 'System_Manager': 'SYSTEM_MANAGER_2', 'free': 'FREE'}


def test_a_family_keeps_its_variable():
    variables = Variables()
    variables.assign(['users'], {})
    variables.assign(['USERS', 'users'], {'USERS': object()})
    assert variables['users'] == 'USERS' and variables['USERS'] == 'USERS_2'
    assert variables.forget('users') == 'USERS' and 'users' not in variables
    variables.assign(['uSers'], {})
    assert variables['uSers'] == 'USERS'
