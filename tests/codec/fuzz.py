"""Mutation fuzzing of the codec: damaged replies and odd requests, the compiled twin compared with the pure one.

    python tests/codec/fuzz.py --minutes 10 --seed 1 [--corpus FOLDER]
    python tests/codec/fuzz.py --replay FILE

Every input is decoded or encoded by both twins; any difference in value, type, error or message, and any error that
is not documented, ends the run with status 1 and what reproduces it. The batch at work is kept in a file, `--current`,
so that a crash of the process can be replayed. `--corpus` adds the messages of a folder's files, one reply in each.
"""
import argparse
import contextlib
import datetime
import decimal
import importlib
import json
import pathlib
import random
import sys
import tempfile
import time
import uuid
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

if __name__ == '__main__':
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import corpus
import oddvalues
import oracle
import twins

from pycassa.errors import PycassaError
from pycassa.util import OrderedDict

BATCH = 200
INTERESTING = (0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 26, 30, 64, 127, 128, 255)
NUMBERS = (-1, -2, -2 ** 31, 2 ** 31 - 1, 2 ** 30, 2 ** 16, 4096, 100, 12, 5, 4, 3, 2, 1, 0)


class Input(NamedTuple):
    """One input: a reply by its place in the corpus and its damaged message, or the seed that a request is made of."""

    kind: str
    number: int
    message: bytes = b''
    layout: str = 'text'
    flags: int = 0
    dict_class: str = 'dict'

    def call(self, codec: Any) -> Any:
        if self.kind == 'request':
            return request(codec, random.Random(self.number))
        reply = REPLIES[self.number]
        return reply.decode(codec, self.message, corpus.layout_of(codec, self.layout),
                            corpus.DICT_CLASSES[self.dict_class], self.flags)

    def to_json(self) -> Dict[str, Any]:
        return {**self._asdict(), 'message': self.message.hex()}

    @classmethod
    def from_json(cls, fields: Dict[str, Any]) -> 'Input':
        return cls(**{**fields, 'message': bytes.fromhex(fields['message'])})


REPLIES = [*corpus.corpus(rewritten=2)]
ODD = [*oddvalues.VALUES.values()]


# --- damage ------------------------------------------------------------------------------------------------------

def flip(rng: random.Random, data: bytearray) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def put_byte(rng: random.Random, data: bytearray) -> None:
    data[rng.randrange(len(data))] = rng.choice(INTERESTING)


def put_number(rng: random.Random, data: bytearray) -> None:
    place = rng.randrange(len(data))
    data[place:place + 4] = (rng.choice(NUMBERS) & 0xffffffff).to_bytes(4, 'big')


def tweak_number(rng: random.Random, data: bytearray) -> None:
    """What looks like a small length or count becomes a little more or less."""
    places = [place for place in range(len(data) - 3) if not any(data[place:place + 3]) and data[place + 3]]
    if places:
        place = rng.choice(places) + 3
        data[place] = (data[place] + rng.choice((-2, -1, 1, 2))) & 0xff


def put_type(rng: random.Random, data: bytearray) -> None:
    places = [place for place in range(len(data)) if data[place] in (2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15)]
    if places:
        data[rng.choice(places)] = rng.choice((0, 1, 2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15, 16))


def cut(rng: random.Random, data: bytearray) -> None:
    del data[rng.randrange(len(data)):]


def drop(rng: random.Random, data: bytearray) -> None:
    place = rng.randrange(len(data))
    del data[place:place + rng.choice((1, 1, 2, 4, 7, 11, 30))]


def repeat(rng: random.Random, data: bytearray) -> None:
    place = rng.randrange(len(data))
    part = data[place:place + rng.choice((1, 3, 4, 7, 11, 15, 30, 80))]
    data[place:place] = part * rng.choice((1, 1, 1, 2, 20))


def insert(rng: random.Random, data: bytearray) -> None:
    place = rng.randrange(len(data))
    data[place:place] = rng.choice((rng.randbytes(rng.randrange(1, 9)), b'\0', b'\x0b\0\1\0\0\0\0', b'\x08\0\4\0\0\0\1',
                                    b'\x0c\0\x4d\0', b'\x0f\0\x4d\x0b\0\0\0\0', b'\x0c\0\1', b'\x0a\0\3' + bytes(8)))


def splice(rng: random.Random, data: bytearray) -> None:
    other = rng.choice(REPLIES).message
    place, start = rng.randrange(len(data)), rng.randrange(len(other))
    data[place:place + rng.choice((0, 10, 50))] = other[start:start + rng.choice((4, 10, 30, 200))]


DAMAGES = [flip, put_byte, put_number, tweak_number, tweak_number, put_type, cut, drop, repeat, insert, splice]


def damaged(rng: random.Random, message: bytes) -> bytes:
    """A message changed in a few places, or, now and then, laid out otherwise but right."""
    data = bytearray(message)
    if rng.random() < 0.15:
        return rewritten(rng, message)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))):
        if data:
            rng.choice(DAMAGES)(rng, data)
    return bytes(data)


def rewritten(rng: random.Random, message: bytes) -> bytes:
    return oracle.Rewriter(rng).message(message)


def reply_input(rng: random.Random) -> Input:
    number = rng.randrange(len(REPLIES))
    reply = REPLIES[number]
    layout, flags, dict_class = reply.layout, reply.flags, 'dict'
    if rng.random() < 0.3:
        layout = rng.choice([*corpus.LAYOUTS])
    if rng.random() < 0.3:
        flags, dict_class = rng.randrange(4), rng.choice([*corpus.DICT_CLASSES])
    return Input('reply', number, damaged(rng, reply.message), layout, flags, dict_class)


# --- requests ----------------------------------------------------------------------------------------------------

TYPES = ('UTF8Type', 'BytesType', 'AsciiType', 'LongType', 'Int32Type', 'IntegerType', 'DoubleType', 'FloatType',
         'Float64', 'BooleanType', 'DecimalType', 'DateType', 'SimpleDateType', 'TimeType', 'UUIDType', 'TimeUUIDType',
         'InetAddressType', 'EmptyType', 'ShortType', 'ByteType', 'CounterColumnType')


def a_text(rng: random.Random) -> str:
    alphabet = rng.choice(('ab', 'abcdefgh', 'a\xe9', 'a\u6f22\U0001f600', 'a\0\x7f\x80\u07ff\u0800\uffff', 'a\ud800'))
    length = rng.choice((0, 1, 2, 7, 8, 9, 16, 17, 31, 33, 70)) if rng.random() < 0.98 else 5000
    return ''.join(rng.choices(alphabet, k=length))


def a_value(rng: random.Random, values: Sequence[Any]) -> Any:
    """Usual values most of the time, now and then one of the odd ones, which are shared by both twins."""
    choice = rng.randrange(12)
    if choice < 5:
        return a_text(rng)
    if choice < 7:
        return rng.randbytes(rng.choice((0, 1, 4, 8, 16, 40)))
    if choice < 9:
        return rng.choice((1, -1)) * rng.getrandbits(rng.choice((1, 7, 8, 15, 31, 32, 33, 62, 63, 64, 90)))
    if choice < 10:
        return rng.choice((rng.random(), rng.uniform(-1e300, 1e300), float(rng.getrandbits(53))))
    return rng.choice(values)


def a_scalar(codec: Any, rng: random.Random, depth: int = 0) -> Any:
    choice = rng.randrange(20)
    if choice == 0 and depth < 2:
        return codec.composite([a_scalar(codec, rng, depth + 1) for _ in range(rng.randrange(1, 4))])
    if choice == 1:
        return codec.dynamic_composite({'a': a_scalar(codec, rng, 2), 'b': codec.scalar('LongType')})
    if choice == 2:
        return codec.bytes_scalar(rng.choice((None, 'utf-8', 'latin-1')))
    if choice == 3:
        return codec.Scalar('Own', codec.scalar('UTF8Type').pack, bytes.decode)
    return codec.scalar(rng.choice(TYPES) if choice > 12 else 'UTF8Type')


def a_columns(rng: random.Random, values: Sequence[Any], names: List[Any], width: int) -> Dict[Any, Any]:
    return {(rng.choice(names) if rng.random() < 0.7 else hashable(rng, values)): a_value(rng, values)
            for _ in range(width)}


def hashable(rng: random.Random, values: Sequence[Any]) -> Any:
    value = a_value(rng, values)
    try:
        hash(value)
    except (TypeError, ValueError):
        return 'unhashable'
    return value


# Types, and what makes values of them.
FITTING: Dict[str, Callable[[random.Random], Any]] = {
    'UTF8Type': lambda rng: a_text(rng).replace('\ud800', 'x'),
    'BytesType': lambda rng: rng.choice((rng.randbytes(rng.choice((0, 1, 9, 40))), a_text(rng).replace('\ud800', 'x'))),
    'AsciiType': lambda rng: 'text' * rng.randrange(30),
    'LongType': lambda rng: rng.getrandbits(63) - rng.getrandbits(63),
    'Int32Type': lambda rng: rng.getrandbits(31),
    'IntegerType': lambda rng: rng.choice((1, -1)) * rng.getrandbits(rng.choice((7, 8, 9, 63, 64, 65, 200))),
    'DoubleType': lambda rng: rng.choice((rng.random(), float('inf'), -0.0, 5)),
    'FloatType': lambda rng: rng.choice((rng.random(), float('nan'), 7)),
    'BooleanType': lambda rng: rng.choice((True, False, 1, 0.0)),
    'DecimalType': lambda rng: decimal.Decimal(rng.getrandbits(rng.choice((5, 60, 100)))).scaleb(rng.randrange(-9, 9)),
    'DateType': lambda rng: datetime.datetime(1900, 1, 1) + datetime.timedelta(milliseconds=rng.getrandbits(42)),
    'UUIDType': lambda rng: uuid.UUID(int=rng.getrandbits(128)),
}


def fitting_request(codec: Any, rng: random.Random) -> Any:
    """The bytes of a request in which all is as it should be: much of it of the same names and types."""
    def kinds(texts: float) -> str:
        return 'UTF8Type' if rng.random() < texts else rng.choice([*FITTING])
    key, name, value, outer = kinds(0.7), kinds(0.7), kinds(0.5), kinds(0.7)
    names = [FITTING[name](rng) for _ in range(rng.choice((1, 2, 2, 5, 5, 5, 70)))]
    typed = {each: kinds(0.1) for each in names if rng.random() < 0.3} if name in ('UTF8Type', 'BytesType') else {}
    layout = codec.Layout(
        'Family', key=codec.scalar(key), name=codec.scalar(name), value=codec.scalar(value),
        super_name=codec.scalar(outer) if rng.random() < 0.3 else None,
        validators={codec.scalar(name).pack(each): codec.scalar(kind) for each, kind in typed.items()})

    def row() -> Any:
        found = {each: FITTING[typed.get(each, value)](rng) for each in names if rng.random() < 0.8}
        return OrderedDict(found) if rng.random() < 0.1 else found

    def full_row() -> Any:
        return {FITTING[outer](rng): row() for _ in range(rng.randrange(4))} if layout.super_name else row()
    rows = {FITTING[key](rng): full_row() for _ in range(rng.choice((1, 2, 3, 3, 3, 40 if len(names) < 9 else 4)))}
    return codec.encode_rows(rng.getrandbits(31), layout, rows, rng.getrandbits(60), rng.choice((None, 5)), 1)


def request(codec: Any, rng: random.Random) -> Any:
    """The bytes of a request that is made of random types and values: of the same ones for the same seed."""
    return fitting_request(codec, rng) if rng.random() < 0.6 else odd_request(codec, rng)


def odd_request(codec: Any, rng: random.Random) -> Any:
    """The bytes of a request in which anything may be anything."""
    values = ODD
    names = [hashable(rng, values) for _ in range(4)]
    scalars = {place: a_scalar(codec, rng) for place in ('key', 'name', 'value')}
    in_super, counter = rng.random() < 0.2, rng.random() < 0.15
    validators = {name.encode(): a_scalar(codec, rng) for name in names
                  if type(name) is str and name.isascii() and rng.random() < 0.3}
    layout = codec.Layout('Family', super_name=a_scalar(codec, rng) if in_super else None, counter=counter,
                          validators=validators, **scalars)

    def row() -> Any:
        width = rng.choice((0, 1, 2, 3, 3, 3, 5, 5, 5, 70))
        if in_super:
            return {name: a_columns(rng, values, names, width) for name in names[:rng.randrange(4)]}
        if counter:
            return {name: rng.choice((5, -1, 1 << 63, True, 2 ** 62, 'x')) for name in names}
        return a_columns(rng, values, names, width)
    timestamp, ttl = rng.choice((5, -1, 1 << 62, 1 << 63, 1.5)), rng.choice((None, None, 5, 1 << 31, 2.5))
    if rng.random() < 0.3:
        return codec.encode_insertions(layout, 'k', row(), timestamp, ttl)
    first = row()
    many = rng.choice((1, 2, 3, 3, 3, 40))
    rows = {hashable(rng, values): (first if rng.random() < 0.5 else row()) for _ in range(many)}
    return codec.encode_rows(rng.getrandbits(31), layout, rows, timestamp, ttl, rng.choice((1, 1, 4, 11, 12)))


# --- the run -----------------------------------------------------------------------------------------------------

def judge(pair: Any, each: Input) -> Optional[str]:
    """What is wrong with the outcomes of an input in both twins, or None."""
    expected, found = pair.both(each.call)
    if expected != found:
        return f'the twins differ:\n  pure     {expected}\n  compiled {found}'
    if expected.error is not None and not issubclass(expected.error, PycassaError) and each.kind == 'reply':
        return f'an error that is not documented: {expected}'
    return None


def run_batch(pair: Any, batch: Sequence[Input]) -> bool:
    """Whether all inputs went well; tells of the first that did not."""
    for each in batch:
        wrong = judge(pair, each)
        if wrong is not None:
            print(f'{wrong}\n{describe(each)}', flush=True)
            return False
    return True


def describe(each: Input) -> str:
    name = REPLIES[each.number].name if each.kind == 'reply' else f'request of seed {each.number}'
    return f'{name}\n{json.dumps(each.to_json())}'


@contextlib.contextmanager
def no_chance() -> Iterator[None]:
    """Time UUIDs end in random bits, and how often these are drawn is a twin's own affair: here they are constant."""
    usual, random.getrandbits = random.getrandbits, lambda bits: 5
    try:
        yield
    finally:
        random.getrandbits = usual


@no_chance()
def fuzz(pair: Any, seed: int, seconds: float, most: int, current: pathlib.Path) -> bool:
    rng = random.Random(seed)
    started = time.monotonic()
    done, told = 0, started
    while done < most and time.monotonic() - started < seconds:
        batch = [reply_input(rng) if rng.random() < 0.8 else Input('request', rng.getrandbits(60))
                 for _ in range(min(BATCH, most - done))]
        current.write_text('\n'.join(json.dumps(each.to_json()) for each in batch))
        if not run_batch(pair, batch):
            return False
        done += len(batch)
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(f'{done} inputs', flush=True)
    spent = time.monotonic() - started
    print(f'{done} inputs in {spent:.1f} s, {done / max(spent, 1e-9):.0f} a second, no finding (seed {seed})')
    current.unlink()
    return True


@no_chance()
def replay(pair: Any, path: pathlib.Path) -> bool:
    """The inputs of a file one by one, each announced before it is run."""
    for line in path.read_text().splitlines():
        each = Input.from_json(json.loads(line))
        print(describe(each), file=sys.stderr, flush=True)
        if not run_batch(pair, [each]):
            return False
    return True


def add_messages(folder: pathlib.Path) -> None:
    """Replies from elsewhere: each file is the message of a get_slice, or of whatever else it can be read as."""
    decoders = {reply.decode for reply in REPLIES}
    for path in sorted(folder.iterdir()):
        REPLIES.extend(corpus.Reply(f'{path.name} as {decode.__name__}', path.read_bytes(), decode)
                       for decode in decoders)


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--minutes', type=float, default=1.0)
    parser.add_argument('--inputs', type=int, default=sys.maxsize, help='no more than so many')
    parser.add_argument('--seed', type=int, default=None, help='of the run; a new one each time by default')
    parser.add_argument('--corpus', type=pathlib.Path, help='a folder of further messages to begin with')
    parser.add_argument('--current', type=pathlib.Path, help='where the batch at work is kept',
                        default=pathlib.Path(tempfile.gettempdir()) / 'pycassa-fuzz-current.jsonl')
    parser.add_argument('--replay', type=pathlib.Path, help='run the inputs of such a file')
    options = parser.parse_args(argv)
    if not twins.is_built():
        print('the compiled twin is not built: there is nothing to compare')
        return 2
    pair = twins.Twins(*map(importlib.import_module, (twins.PURE, twins.COMPILED)))
    if options.corpus:
        add_messages(options.corpus)
    if options.replay:
        return 0 if replay(pair, options.replay) else 1
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    return 0 if fuzz(pair, seed, options.minutes * 60, options.inputs, options.current) else 1


if __name__ == '__main__':
    raise SystemExit(main())
