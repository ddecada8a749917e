"""A payment over gRPC without stubs: the messages are what the server's reflection tells. As grpcurl does it, in Python.

    .venv/bin/python examples/pay_by_grpc.py [order-6735]            with `make run` running

It needs grpcio and grpcio-reflection and nothing of Millrace's own code. For stubs in your language give
web/grpc/proto/millrace/v1/payments.proto to protoc.
"""

import json
import os
import sys
from pathlib import Path
from uuid import uuid4

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

ROOT = Path(__file__).resolve().parent.parent
ENDPOINTS = Path(os.environ.get("ENDPOINTS", ROOT / ".run/endpoints.json"))
ANSWERED_WITHIN_S = 20


def main() -> None:
    if not ENDPOINTS.exists():
        sys.exit("nothing runs here: start `make run` first")
    endpoints = json.loads(ENDPOINTS.read_text())
    order = sys.argv[1] if len(sys.argv) > 1 else f"order-{uuid4().hex[:8]}"
    metadata = [
        ("authorization", f"Bearer {endpoints['merchants'][0]['api_key']}"),
        ("idempotency-key", order),
    ]
    with grpc.insecure_channel(endpoints["grpc"]) as channel:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        method = pool.FindServiceByName("millrace.v1.Payments").methods_by_name["CreatePayment"]
        request, answer = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        pay = channel.unary_unary(
            "/millrace.v1.Payments/CreatePayment", request.SerializeToString, answer.FromString
        )
        asked = request(amount=1999, currency="usd", payment_method="pm_card_visa")
        try:
            print(pay(asked, metadata=metadata, timeout=ANSWERED_WITHIN_S))
        except grpc.RpcError as failed:
            sys.exit(str(rpc_status.from_call(failed) or failed))


if __name__ == "__main__":
    main()
