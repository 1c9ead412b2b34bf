"""The fuzzer itself: it runs, it finds differences and tells how to see them again, and it keeps what it is at."""
import json
import random
import sys
import types

import fuzz
import pytest
from twins import COMPILED, Twins, is_built

from pycassa._pure import protocol
from pycassa.errors import ProtocolError


def twin(**changed):
    module = types.ModuleType('broken')
    vars(module).update({name: getattr(protocol, name) for name in protocol.__all__}, **changed)
    return module


def test_some_thousand_inputs(twins, tmp_path, capsys):
    assert fuzz.fuzz(twins, 5, 20, 3000, tmp_path / 'current')
    assert 'no finding (seed 5)' in capsys.readouterr().out
    assert not (tmp_path / 'current').exists()


def test_the_command(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(fuzz.twins, 'COMPILED', COMPILED if is_built() else fuzz.twins.PURE)
    monkeypatch.setattr(fuzz.twins, 'is_built', lambda: True)
    monkeypatch.setattr(fuzz, 'REPLIES', fuzz.REPLIES[:])
    (tmp_path / 'corpus').mkdir()
    (tmp_path / 'corpus' / 'message').write_bytes(fuzz.REPLIES[0].message)
    arguments = ['--inputs', '300', '--seed', '3', '--current', str(tmp_path / 'at'),
                 '--corpus', str(tmp_path / 'corpus')]
    assert fuzz.main(arguments) == 0
    assert '300 inputs' in capsys.readouterr().out
    assert any(reply.name.startswith('message as') for reply in fuzz.REPLIES)


def test_without_the_compiled_twin_there_is_nothing_to_do(monkeypatch, capsys):
    monkeypatch.setattr(fuzz.twins, 'is_built', lambda: False)
    assert fuzz.main(['--inputs', '1']) == 2


@pytest.mark.parametrize('broken', [
    {'decode_get_slice': lambda *arguments: {**protocol.decode_get_slice(*arguments), 'more': 'x'}},
    {'decode_void': lambda *arguments: None},
    {'encode_rows': lambda *arguments: protocol.encode_rows(*arguments) + b'\0'},
    {'encode_insertions': lambda layout, key, columns, *more: protocol.encode_insertions(
        layout, 'key', dict(columns), *more)},
])
def test_a_difference_is_found_and_can_be_seen_again(broken, tmp_path, capsys):
    pair, at = Twins(protocol, twin(**broken)), tmp_path / 'current'
    assert not fuzz.fuzz(pair, 1, 60, 20000, at)
    told = capsys.readouterr().out
    assert 'the twins differ' in told
    (tmp_path / 'found').write_text(told.strip().splitlines()[-1])
    assert not fuzz.replay(pair, tmp_path / 'found')
    assert fuzz.replay(Twins(protocol, protocol), tmp_path / 'found')
    assert not fuzz.replay(pair, at)
    assert len(at.read_text().splitlines()) == fuzz.BATCH


def test_an_error_that_is_not_documented_is_found(tmp_path, capsys):
    def fail(*arguments):
        raise IndexError('oops')
    broken = twin(decode_get_count=fail)
    assert not fuzz.fuzz(Twins(broken, broken), 1, 60, 20000, tmp_path / 'current')
    assert 'not documented' in capsys.readouterr().out


def test_inputs_come_back_from_their_files():
    rng = random.Random(1)
    for each in [fuzz.reply_input(rng) for _ in range(50)] + [fuzz.Input('request', 5)]:
        assert fuzz.Input.from_json(json.loads(json.dumps(each.to_json()))) == each


def test_damage_is_varied():
    """Some inputs are taken, and most are refused, at many different places."""
    rng = random.Random(1)
    taken, refused = 0, set()
    for _ in range(3000):
        each = fuzz.reply_input(rng)
        outcome = fuzz.twins.observe(each.call, protocol)
        taken += outcome.error is None
        if outcome.error is ProtocolError:
            refused.add(outcome.message)
        assert outcome.error is None or outcome.error.__module__.startswith('pycassa.'), each
    assert taken > 300
    assert len(refused) > 500


def test_requests_are_varied():
    outcomes = [fuzz.twins.observe(fuzz.Input('request', seed).call, protocol) for seed in range(300)]
    assert sum(outcome.error is None for outcome in outcomes) > 50
    assert len({outcome.message for outcome in outcomes}) > 50
    assert sys.getsizeof(max((outcome.what[1] for outcome in outcomes if outcome.error is None), key=len)) > 1000
