"""ONNX files of a few nodes, written by hand (onnx.proto's field numbers), so that no package is needed for it."""
import struct

TYPES = {"float32": (1, "f"), "uint8": (2, "B"), "int32": (6, "i"), "int64": (7, "q"), "float16": (10, "e")}


def varint(n):
    out = b""
    n &= (1 << 64) - 1
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def part(number, value):
    """A member: whole numbers as they are, texts, bytes, or members inside."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def numbers(value):
    return [x for v in value for x in numbers(v)] if isinstance(value, (list, tuple)) else [value]


def shape_of(value):
    return [len(value), *shape_of(value[0])] if isinstance(value, (list, tuple)) and value else [0] if isinstance(value, (list, tuple)) else []


def packed(value, dtype="float32"):
    all_ = numbers(value)
    return struct.pack(f"<{len(all_)}{TYPES[dtype][1]}", *all_)


def tensor(name, value, dtype="float32", external=None):
    """external: the file that holds it, or {"location": …, "offset": …, "length": …}."""
    number, _ = TYPES[dtype]
    said = {"location": external} if isinstance(external, str) else external
    held = b"".join(part(13, part(1, k) + part(2, str(v))) for k, v in said.items()) + part(14, 1) if said else part(9, packed(value, dtype))
    return b"".join(part(1, n) for n in shape_of(value)) + part(2, number) + part(8, name) + held


def declared(name, dtype, shape):
    dims = b"".join(part(1, part(1, n) if isinstance(n, int) else part(2, n)) for n in shape)
    return part(1, name) + part(2, part(1, part(1, TYPES[dtype][0]) + part(2, dims)))


def attribute(v):
    if isinstance(v, list):
        return part(8, b"".join(varint(x) for x in v)) + part(20, 7)
    return part(4, v) + part(20, 3) if isinstance(v, str) else part(3, v) + part(20, 2)


def node(op, ins, out, **more):
    """more: attributes, whole numbers, lists of these, or words."""
    attributes = b"".join(part(5, part(1, k) + attribute(v)) for k, v in more.items())
    return b"".join(part(1, i) for i in ins) + part(2, out) + part(4, op) + attributes


def model(inputs, outputs, constants=(), nodes=(), metadata=None):
    """inputs: {name: (type, shape)}; outputs the same. Constants: (name, value, type); an output that no node makes is the constant of its name."""
    made = {n[0] for n in nodes}
    graph = b"".join(part(1, node(op, ins, out, **more)) for out, op, ins, more in nodes)
    graph += b"".join(part(1, node("Identity", [f"{name}.is"], name)) for name in outputs if name not in made)
    graph += part(2, "graph")
    for name, value, dtype, *external in constants:
        graph += part(5, tensor(name if name not in outputs else f"{name}.is", value, dtype, *external))
    graph += b"".join(part(11, declared(n, *v)) for n, v in inputs.items()) + b"".join(part(12, declared(n, *v)) for n, v in outputs.items())
    props = b"".join(part(14, part(1, k) + part(2, v)) for k, v in (metadata or {}).items())
    return part(1, 8) + part(2, "by hand") + part(7, graph) + part(8, part(2, 13)) + props
