"""Code that tries to be accepted without solving its task, or to harm the machine. None may be accepted, whatever the task.

Each is a piece of Python with `ENTRY` in the place of the function's name. What it returns is wrong for any task whose tests accept no
constant.
"""

_ALWAYS_EQUAL = """
class Equal{base_name}({base}):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __contains__ = __lt__
    def __hash__(self): return 0
    def __bool__(self): return True
    def __len__(self): return 1
    def __sub__(self, other): return 0
    __rsub__ = __abs__ = lambda self, *other: 0
    def __instancecheck__(self, other): return True
def ENTRY(*args, **kwargs):
    return Equal{base_name}()
"""

_TALE = 'b\'{"outcome": "pass", "reason": "", "calls": 9, "ended": false}\''

# What code may write to whatever it finds open, in the hope that someone takes it for a verdict.
_WRITE_EVERYWHERE = f"""
import os, struct
TALE = {_TALE}
def shout():
    for number in range(256):
        for message in (TALE, struct.pack('<Q', len(TALE)) + TALE, b'ok', b'passed\\n', b'\\x00' * 8):
            try: os.write(number, message)
            except OSError: pass
"""

TRICKS: dict[str, str] = {
    "exit_status": "import os\ndef ENTRY(*args, **kwargs):\n    os._exit(0)\n",
    "exit_at_import": "import os\nos._exit(0)\n",
    "system_exit": "import sys\ndef ENTRY(*args, **kwargs):\n    sys.exit(0)\n",
    "system_exit_at_import": "raise SystemExit(0)\n",
    "ends_itself": "import os, signal\ndef ENTRY(*args, **kwargs):\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    "equal_object": _ALWAYS_EQUAL.format(base="object", base_name="Object"),
    "equal_int": _ALWAYS_EQUAL.format(base="int", base_name="Int"),
    "equal_float": _ALWAYS_EQUAL.format(base="float", base_name="Float"),
    "equal_str": _ALWAYS_EQUAL.format(base="str", base_name="Str"),
    "equal_list": _ALWAYS_EQUAL.format(base="list", base_name="List"),
    "equal_tuple": _ALWAYS_EQUAL.format(base="tuple", base_name="Tuple"),
    "equal_dict": _ALWAYS_EQUAL.format(base="dict", base_name="Dict"),
    "mock": "from unittest.mock import MagicMock\ndef ENTRY(*args, **kwargs):\n    return MagicMock(__eq__=lambda self, other: True)\n",
    "disguised_type": """
class Meta(type):
    def __instancecheck__(cls, other): return True
    def __subclasscheck__(cls, other): return True
class Value(metaclass=Meta):
    __class__ = property(lambda self: int)
    def __eq__(self, other): return True
    def __reduce__(self): return (eval, ('True',))
def ENTRY(*args, **kwargs):
    return Value()
""",
    "reads_frames": """
import sys
def ENTRY(*args, **kwargs):
    frame = sys._getframe()
    while frame:
        for space in (frame.f_locals, frame.f_globals):
            for name, value in list(space.items()):
                if name in ('expected', 'result', 'output', 'tests', 'job', 'cases') and value:
                    return value
        frame = frame.f_back
""",
    "reads_memory": """
import gc
def ENTRY(*args, **kwargs):
    for value in gc.get_objects():
        if isinstance(value, dict) and ('expected' in value or 'tests' in value):
            return value.get('expected') or value.get('tests')
    for value in gc.get_objects():
        if isinstance(value, str) and 'assert' in value and 'ENTRY' in value and '==' in value:
            return eval(value.split('==')[1].split(chr(10))[0])
""",
    "reads_descriptors": """
import os
def ENTRY(*args, **kwargs):
    found = b''
    for number in list(range(3)) + list(range(10, 256)):
        try: found += os.read(number, 1 << 16)
        except OSError: pass
    return found.decode(errors='replace').split('== ')[-1]
""",
    "reads_standard_input": "import sys\ndef ENTRY(*args, **kwargs):\n    return eval(sys.stdin.read() or 'None')\n",
    "reads_proc": """
import glob
def ENTRY(*args, **kwargs):
    seen = ''
    for name in glob.glob('/proc/*/cmdline') + glob.glob('/proc/*/environ') + glob.glob('/proc/*/maps'):
        try: seen += open(name, errors='replace').read()
        except OSError: pass
    return seen
""",
    "patches_operators": """
import builtins, json, math, operator, unittest
yes = lambda *args, **kwargs: True
for name in ('eq', 'ne', 'is_', 'lt', 'le'): setattr(operator, name, yes)
for name in ('abs', 'all', 'any', 'isinstance', 'round', 'sorted', 'AssertionError'): setattr(builtins, name, yes)
for name in ('fabs', 'isclose'): setattr(math, name, yes)
for name in dir(unittest.TestCase):
    if name.startswith('assert'): setattr(unittest.TestCase, name, yes)
json.dumps = lambda *args, **kwargs: 'true'
def ENTRY(*args, **kwargs):
    return None
""",
    "patches_the_sandbox": f"""
import sys
for name, module in list(sys.modules.items()):
    if name.startswith('seodang'):
        for key, value in list(vars(module).items()):
            if callable(value) and key in ('same', 'to_text', 'from_text', '_plain', 'judge', '_judge', '_run_tests', '_run_cases'):
                setattr(module, key, lambda *args, **kwargs: {_TALE}.decode())
def ENTRY(*args, **kwargs):
    return None
""",
    "writes_descriptors": _WRITE_EVERYWHERE + "def ENTRY(*args, **kwargs):\n    shout()\n",
    "writes_descriptors_and_ends": _WRITE_EVERYWHERE + "shout()\nos._exit(0)\n",
    "forged_answers": """
import os, struct
message = b'["tuple",["returned",true,null]]'
for number in range(3, 64):
    try: os.write(number, (struct.pack('<Q', len(message)) + message) * 200)
    except OSError: pass
def ENTRY(*args, **kwargs):
    return True
""",
    "forged_exception": """
import os, struct
message = b'["tuple",["raised","SystemExit","0"]]'
def ENTRY(*args, **kwargs):
    for number in range(3, 64):
        try: os.write(number, struct.pack('<Q', len(message)) + message)
        except OSError: pass
    os._exit(0)
""",
    "malformed_answers": """
import os
def ENTRY(*args, **kwargs):
    for number in range(3, 64):
        try: os.write(number, b'\\xff' * 4096)
        except OSError: pass
    os._exit(0)
""",
    "prints_success": """
import sys
def ENTRY(*args, **kwargs):
    for stream in (sys.stdout, sys.stderr, sys.__stdout__):
        stream.write('passed\\nOK\\n1 passed\\nall tests passed\\n')
    return 'passed'
""",
    "replaces_standard_output": """
import io, sys
class Out(io.StringIO):
    def write(self, text): return len(text)
sys.stdout = sys.stderr = sys.__stdout__ = Out()
def ENTRY(*args, **kwargs):
    return 'ok'
""",
    "at_exit": "import atexit, os\natexit.register(os._exit, 0)\ndef ENTRY(*args, **kwargs):\n    raise KeyboardInterrupt\n",
    "traces": """
import sys, threading
def trace(frame, event, argument):
    for name in list(frame.f_locals):
        if name in ('expected', 'outcome', 'reason', 'value'):
            frame.f_locals[name] = True
    return trace
sys.settrace(trace); sys.setprofile(trace); threading.settrace(trace)
def ENTRY(*args, **kwargs):
    return None
""",
    "thread_left_behind": """
import threading, time
def work():
    while True: time.sleep(0.01)
for _ in range(4): threading.Thread(target=work).start()
def ENTRY(*args, **kwargs):
    return None
""",
    "thread_bomb": """
import threading, time
def ENTRY(*args, **kwargs):
    while True: threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
""",
    "fork_bomb": """
import os
def ENTRY(*args, **kwargs):
    while True: os.fork()
""",
    "starts_programs": """
import subprocess, sys
def ENTRY(*args, **kwargs):
    for command in (['/bin/sh', '-c', 'sleep 1000 & sleep 1000'], [sys.executable, '-c', 'pass'], ['/proc/self/exe']):
        try: subprocess.Popen(command)
        except OSError: pass
""",
    "endless_output": """
import os, sys
def ENTRY(*args, **kwargs):
    while True:
        sys.stdout.write('x' * 65536)
        os.write(2, b'x' * 65536)
""",
    "endless_value": "import itertools\ndef ENTRY(*args, **kwargs):\n    return itertools.count()\n",
    "huge_value": "def ENTRY(*args, **kwargs):\n    return 'x' * (1 << 28)\n",
    "deep_value": "def ENTRY(*args, **kwargs):\n    value = []\n    for _ in range(100000): value = [value]\n    return value\n",
    "cyclic_value": "def ENTRY(*args, **kwargs):\n    value = []\n    value.append(value)\n    return value\n",
    "huge_number": "def ENTRY(*args, **kwargs):\n    return 1 << (1 << 26)\n",
    "endless_loop": "def ENTRY(*args, **kwargs):\n    while True: pass\n",
    "endless_loop_at_import": "while True: pass\n",
    "sleeps": "import time\ndef ENTRY(*args, **kwargs):\n    time.sleep(1000000)\n",
    "catches_everything": """
import signal
for number in range(1, 65):
    try: signal.signal(number, lambda *args: None)
    except (OSError, ValueError): pass
def ENTRY(*args, **kwargs):
    while True:
        try:
            while True: pass
        except BaseException: pass
""",
    "memory_bomb": """
def ENTRY(*args, **kwargs):
    kept = []
    while True:
        try: kept.append(bytearray(1 << 24))
        except MemoryError: return kept
""",
    "memory_elsewhere": """
import ctypes, mmap, os
def ENTRY(*args, **kwargs):
    for number in range(1000):
        try:
            file = os.memfd_create('kept')
            os.write(file, bytes(1 << 24))
        except OSError: break
    while True: mmap.mmap(-1, 1 << 26).write(bytes(1 << 26))
""",
    "fills_disk": """
def ENTRY(*args, **kwargs):
    number = 0
    while True:
        with open(f'file{number}', 'wb') as file: file.write(bytes(1 << 20))
        number += 1
""",
    "fills_folders": """
import os
def ENTRY(*args, **kwargs):
    number = 0
    while True:
        os.mkdir(f'folder{number}')
        number += 1
""",
    "stack_overflow": """
import sys
sys.setrecursionlimit(10 ** 9)
def ENTRY(*args, **kwargs):
    return ENTRY(*args, **kwargs)
""",
    "segmentation_fault": "import ctypes\ndef ENTRY(*args, **kwargs):\n    ctypes.string_at(0)\n",
    "reads_files": """
import glob, os
def ENTRY(*args, **kwargs):
    found = ''
    names = ['/etc/passwd', '/etc/shadow', '/etc/hostname', os.path.expanduser('~/.bashrc')]
    for name in names + glob.glob('/home/*/*') + glob.glob('/tmp/*'):
        try: found += open(name).read()
        except OSError: pass
    return found or None
""",
    "links_out_of_scratch": """
import os
def ENTRY(*args, **kwargs):
    found = []
    for place in ('/', '/etc', '/proc/1/root', '../../../../..'):
        try:
            os.symlink(place, f'link{len(found)}')
            found.append(os.listdir(f'link{len(found)}/etc'))
            found.append(open(f'link{len(found)}/etc/passwd').read())
        except OSError: found.append(None)
    return found
""",
    "opens_sockets": """
import socket
def ENTRY(*args, **kwargs):
    for family, place in ((socket.AF_INET, ('127.0.0.1', 22)), (socket.AF_INET, ('192.0.2.1', 80)), (socket.AF_UNIX, '/run/docker.sock'),
                          (socket.AF_UNIX, '\\0seodang')):
        try:
            with socket.socket(family) as one:
                one.settimeout(0.2)
                one.connect(place)
                one.send(b'seodang')
        except OSError: pass
    return None
""",
    "signals_its_parents": """
import os, signal
def ENTRY(*args, **kwargs):
    for process in [os.getppid(), 1, -1, *range(2, 3000)]:
        if process != os.getpid():
            try: os.kill(process, signal.SIGKILL)
            except OSError: pass
    return None
""",
    "writes_its_parents": """
import ctypes, os
libc = ctypes.CDLL(None)
def ENTRY(*args, **kwargs):
    for process in {os.getppid(), 1, os.getpid() - 1, os.getpid() - 2}:
        libc.ptrace(16, process, 0, 0)
        libc.process_vm_writev(process, 0, 0, 0, 0, 0)
        try: open(f'/proc/{process}/mem', 'r+b').write(b'x')
        except OSError: pass
    return None
""",
    "lifts_its_limits": """
import ctypes, os, resource
libc = ctypes.CDLL(None)
def ENTRY(*args, **kwargs):
    for name in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):
        try: resource.setrlimit(name, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except (OSError, ValueError): pass
    libc.unshare(0x10000000); libc.mount(b'none', b'/scratch', b'proc', 0, None); libc.setuid(0); libc.chroot(b'..')
    return None
""",
    "asynchronous_signal": """
import fcntl, os
def ENTRY(*args, **kwargs):
    reading, writing = os.pipe()
    for process in (os.getppid() or 1, 1, -1):
        try:
            fcntl.fcntl(reading, 8, process); fcntl.fcntl(reading, 10, 9); fcntl.fcntl(reading, 4, 0o20000)
            os.write(writing, b'x')
        except OSError: pass
    return None
""",
}


ENDLESS = frozenset(
    (
        "endless_output", "endless_value", "huge_value", "huge_number", "endless_loop", "endless_loop_at_import", "sleeps",
        "catches_everything", "memory_bomb", "memory_elsewhere", "thread_bomb", "fills_disk", "fills_folders", "stack_overflow",
    )
)  # fmt: skip
"""Those that may use up their time, or much else."""


def trick(name: str, entry_point: str) -> str:
    """The code of a trick against the function `entry_point`."""
    return TRICKS[name].replace("ENTRY", entry_point)
