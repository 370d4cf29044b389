#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""cri.py SOCKET LOGS [ADDRESS]: what a kubelet asks of a runtime, over CRI v1 (protobuf written by hand:
field numbers are those of the Kubernetes CRI API).  With ADDRESS the pod has a network namespace, and
an address that begins so."""
import glob, os, sys

import grpc

POD, CONTAINER, NODE = 0, 1, 2  # NamespaceMode
RUNNING, EXITED = 1, 2  # ContainerState
IMAGE = "docker.io/test/deb:latest"


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def message(*fields):
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def fields(data):
    at, out = 0, {}

    def number():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n

    while at < len(data):
        key = number()
        if key & 7 == 0:
            value = number()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or number()
            value = data[at:at + size]
            at += size
        out.setdefault(key >> 3, []).append(value)
    return out


channel = grpc.insecure_channel("unix://" + sys.argv[1])


def call(method, *request):
    stub = channel.unary_unary("/runtime.v1.RuntimeService/" + method)
    return fields(stub(message(*request), timeout=60))


def state(container):
    return fields(call("ContainerStatus", (1, container))[1][0])


address = sys.argv[3] if len(sys.argv) > 3 else None
namespaces = message((1, POD if address else NODE), (2, CONTAINER), (3, CONTAINER))
sandbox = message((1, message((1, "pod"), (2, "uid"), (3, "default"))), (3, sys.argv[2]),
                  (8, message((2, message((1, namespaces))))))
os.makedirs(sys.argv[2], exist_ok=True)
pod = call("RunPodSandbox", (1, sandbox))[1][0]

if address:
    network = fields(fields(call("PodSandboxStatus", (1, pod))[1][0])[5][0])
    assert network[1][0].decode().startswith(address), network

limits = message((1, message((1, 100000), (2, 50000), (3, 512), (4, 64 << 20))))
config = message((1, message((1, "main"))), (2, message((1, IMAGE))), (3, "sh"), (4, "-c"),
                 (4, "echo logged; exec sleep 1000"), (6, message((1, "A"), (2, "b"))),
                 (11, "main.log"), (15, limits))
main = call("CreateContainer", (1, pod), (2, config), (3, sandbox))[1][0]
call("StartContainer", (1, main))
assert state(main)[3] == [RUNNING]

done = call("ExecSync", (1, main), (2, "sh"), (2, "-c"), (2, "echo $A; exit 4"), (3, 20))
assert done[1] == [b"b\n"] and done[3] == [4], done

stats = fields(call("ContainerStats", (1, main))[1][0])
assert 2 in stats and 3 in stats, stats  # cpu, memory

call("UpdateContainerResources", (1, main), (2, message((2, 25000), (4, 128 << 20))))
name = main.decode()
for limit in glob.glob(f"/sys/fs/cgroup/memory/**/{name}/memory.limit_in_bytes", recursive=True):
    with open(limit) as file:
        assert file.read() == "134217728\n", limit

with open(sys.argv[2] + "/main.log") as log:
    assert log.read().endswith("stdout F logged\n")

call("StopContainer", (1, main), (2, 1))
end = state(main)
assert end[3] == [EXITED] and end[7][0] > 128, end
call("RemoveContainer", (1, main))
call("StopPodSandbox", (1, pod))
call("RemovePodSandbox", (1, pod))
assert 1 not in call("ListPodSandbox")
print("cri: ok")
