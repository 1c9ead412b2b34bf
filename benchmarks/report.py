"""What a run found: ratios against their musts and aims, as a table for people and as JSON for programs."""
import importlib.metadata
import json
import math
import os
import platform
import sys
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, TextIO

__all__ = ['MISSED', 'UNMEASURED', 'Finding', 'Target', 'environment', 'findings_as_json', 'note', 'print_table',
           'report', 'write_json']

AIM, MUST, MISSED, SHORT, UNMEASURED = 'aim', 'must', 'MISSED', 'short of the aim', 'not measured'


class Target(NamedTuple):
    """The bounds of a ratio: what it must be, and what is aimed at, either of which may be None. `at_least`: more is
    better."""

    must: Optional[float]
    aim: Optional[float]
    at_least: bool = False

    def _reaches(self, ratio: float, bound: Optional[float]) -> bool:
        return bound is not None and (ratio >= bound if self.at_least else ratio <= bound)

    def verdict(self, ratio: Optional[float]) -> str:
        """'aim' or 'must', whichever the ratio reaches; MISSED, SHORT (of an aim without a must) or UNMEASURED."""
        if ratio is None or math.isnan(ratio):
            return UNMEASURED
        if self._reaches(ratio, self.aim):
            return AIM
        if self.must is None:
            return SHORT
        return MUST if self._reaches(ratio, self.must) else MISSED

    def sign(self) -> str:
        """How a ratio has to compare with a bound."""
        return '>=' if self.at_least else '<='


class Finding(NamedTuple):
    """One ratio of one implementation: what of, against what, and the bounds if there are any."""

    work: str
    implementation: str
    ratio: Optional[float]
    target: Optional[Target] = None
    remark: str = ''

    @property
    def verdict(self) -> str:
        """As of Target; empty where there is none."""
        return self.target.verdict(self.ratio) if self.target else ''


def note(text: str) -> None:
    """Tell what was left out, apart from results."""
    print(f'benchmarks: {text}', file=sys.stderr, flush=True)


def environment() -> Dict[str, str]:
    """Where the results hold, and how busy the machine was (the load average of the last minute)."""
    load = f'{os.getloadavg()[0]:.1f}' if hasattr(os, 'getloadavg') else 'unknown'
    return {'load': load, 'python': sys.version.split()[0], 'compiler': platform.python_compiler(),
            'machine': platform.machine(), 'system': platform.system(), 'thrift': importlib.metadata.version('thrift')}


def _number(value: Optional[float]) -> str:
    if value is None:
        return '-'
    return f'{value:,.0f}' if value >= 1000 else f'{value:.1f}' if value >= 20 else f'{value:.2f}'


def _bound(target: Optional[Target], bound: str) -> str:
    value = getattr(target, bound) if target else None
    return f'{target.sign()} {_number(value)}' if target and value is not None else ''


def print_table(findings: Sequence[Finding], output: TextIO) -> None:
    """The columns work, ratio, must, aim, verdict; one implementation after the other."""
    findings = sorted(findings, key=lambda finding: finding.implementation)
    width = max([len('work'), *(len(finding.work) + len(finding.implementation) + 2 for finding in findings)])
    print(f'{"work":{width}} {"ratio":>9} {"must":>10} {"aim":>10}  verdict', file=output)
    for each in findings:
        line = (f'{each.implementation + ": " + each.work:{width}} {_number(each.ratio):>9} '
                f'{_bound(each.target, "must"):>10} {_bound(each.target, "aim"):>10}  {each.verdict}')
        print(f'{line}  {each.remark}'.rstrip(), file=output)


def findings_as_json(findings: Sequence[Finding]) -> List[Dict[str, Any]]:
    return [{'work': each.work, 'implementation': each.implementation, 'ratio': each.ratio, 'remark': each.remark,
             'must': each.target and each.target.must, 'aim': each.target and each.target.aim,
             'at_least': each.target and each.target.at_least, 'verdict': each.verdict} for each in findings]


def write_json(document: Any, path: str) -> None:
    """Write to a file, or to the standard output for '-'."""
    text = json.dumps(document, indent=2) + '\n'
    if path == '-':
        sys.stdout.write(text)
        return
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def report(findings: Sequence[Finding], path: Optional[str], check: bool, **more: Any) -> int:
    """Print the findings, write them as JSON if there is a path, and give the exit status: with `check`, 1 if a must
    is missed."""
    output = sys.stderr if path == '-' else sys.stdout
    print_table(findings, output)
    if path:
        write_json({'environment': environment(), 'findings': findings_as_json(findings), **more}, path)
    missed = [each for each in findings if each.verdict == MISSED]
    open_ = [each for each in findings if each.verdict == UNMEASURED]
    if open_:
        note(f'{len(open_)} of the bounds could not be judged')
    if missed:
        note(f'{len(missed)} of the bounds that must hold are missed')
    return 1 if missed and check else 0
