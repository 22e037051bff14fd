"""What kind of instruction stands at an address of an x86-64 library, as objdump shows it."""
import re
import subprocess

LINE = re.compile(r"^\s*([0-9a-f]+):\t(?:(?:lock|rep\w*|bnd|notrack|cs|ds|data16) )*(\w+)\s*(.*)$")
MEMORY = re.compile(r"%fs:|\(%")
KINDS = ("calls", "compares", "jumps", "loads", "stores")


def disassemble(library):
    """{address: (mnemonic, operands)}; operands in AT&T order, the destination last."""
    text = subprocess.run(["objdump", "--disassemble", "--no-show-raw-insn", str(library)],
                          check=True, capture_output=True, text=True).stdout
    lines = filter(None, map(LINE.match, text.splitlines()))
    return {int(line[1], 16): (line[2], line[3].split("#")[0].split("<")[0].strip())
            for line in lines}


def kinds(mnemonic, operands):
    """The kinds that an instruction counts as. Of the stack, push and pop count, call and ret do
    not."""
    if mnemonic.startswith("call"):
        return {"calls"} | _indirect(operands)
    if mnemonic.startswith("j"):
        return {"jumps"} | _indirect(operands)
    if mnemonic.startswith("push"):
        return {"stores"}
    if mnemonic.startswith("pop"):
        return {"loads"}
    compares = mnemonic.startswith(("cmp", "test", "bt")) and not mnemonic.startswith("cmpxchg")
    return ({"compares"} if compares else set()) | _memory(mnemonic, operands, compares)


def _indirect(operands):
    return {"loads"} if operands.startswith("*") and MEMORY.search(operands) else set()


def _memory(mnemonic, operands, compares):
    if not MEMORY.search(operands) or mnemonic.startswith(("lea", "nop", "prefetch")):
        return set()
    # The comma inside (%rax,%rcx,8) separates no operands.
    last = re.split(r",(?![^(]*\))", operands)[-1]
    if compares or not MEMORY.search(last):
        return {"loads"}
    return {"stores"} if mnemonic.startswith(("mov", "set", "vmov")) else {"loads", "stores"}


def compiler(library):
    """What the compiler wrote of itself into the library."""
    text = subprocess.run(["readelf", "--string-dump=.comment", str(library)],
                          check=True, capture_output=True, text=True).stdout
    return " + ".join(sorted(set(re.findall(r"\]\s+(.+?)\s*$", text, re.MULTILINE))))
