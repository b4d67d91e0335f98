"""One pattern through kombu (over py-amqp). Usage: kombu_patterns.py PATTERN; AMQP_URL and FRESH_NAME are set."""
import os
import socket
import sys

from amqp.exceptions import AccessRefused, NotFound, PreconditionFailed, ResourceLocked
from kombu import Connection, Consumer, Exchange, Producer, Queue

NAME = os.environ["FRESH_NAME"]
connection = Connection(os.environ["AMQP_URL"], transport_options={"confirm_publish": sys.argv[1] == "confirms"})
connection.connect()
channel = connection.channel()


def expect(actual, wanted):
    if actual != wanted:
        sys.exit(f"expected {wanted!r}, got {actual!r}")


def own_queue(name="", exchange=None, key="", **options):
    queue = Queue(name, exchange=exchange, routing_key=key, exclusive=True, durable=False, channel=channel, **options)
    queue.declare()
    return queue


def consuming(on, queue, callback, **options):
    # Nothing is declared again: a broker's own name for a queue is refused in a declare.
    return Consumer(on, [queue], on_message=callback, auto_declare=False, **options)


def drain(messages, count):
    while len(messages) < count:
        try:
            connection.drain_events(timeout=20)
        except socket.timeout:
            sys.exit(f"{len(messages)} of {count} messages arrived")


def taken(queue, count):
    messages = []
    with consuming(channel, queue, messages.append, no_ack=True):
        drain(messages, count)
    return messages


def publish(body, exchange="", key="", **options):
    Producer(channel).publish(body, exchange=exchange, routing_key=key, **options)


def hello():
    queue = own_queue(NAME)
    publish("Hello World!", key=queue.name)
    expect(taken(queue, 1)[0].payload, "Hello World!")


def work():
    queue = own_queue(NAME)
    messages, slow = [], []

    def keep(message):
        slow.append(message)
        messages.append(message)

    def finish(message):
        messages.append(message)
        message.ack()

    fast = connection.channel()
    channel.basic_qos(0, 1, False)
    fast.basic_qos(0, 1, False)
    with consuming(channel, queue, keep), consuming(fast, queue(fast), finish):
        for task in range(6):
            publish(f"task {task}", key=queue.name, delivery_mode=2)
        drain(messages, 6)
    expect(len(slow), 1)
    expect(sorted(message.payload for message in messages), [f"task {task}" for task in range(6)])


def publish_subscribe():
    logs = Exchange(NAME, "fanout", durable=False, auto_delete=True)
    queues = [own_queue(exchange=logs), own_queue(exchange=logs)]
    publish({"news": 1}, NAME)
    for queue in queues:
        expect(taken(queue, 1)[0].payload, {"news": 1})


def received(kind, keys, sent, wanted):
    exchange = Exchange(NAME, kind, durable=False, auto_delete=True)
    queue = own_queue(exchange=exchange, key=keys[0])
    for key in keys[1:]:
        queue.bind_to(exchange, key)
    for key in sent:
        publish("x", NAME, key)
    expect([message.delivery_info["routing_key"] for message in taken(queue, len(wanted))], wanted)


def routing():
    received("direct", ["warning", "error"], ["info", "warning", "error"], ["warning", "error"])


def topics():
    sent = ["quick.orange.rabbit", "lazy.orange.elephant", "quick.brown.fox", "lazy"]
    received("topic", ["*.*.rabbit", "lazy.#"], sent, ["quick.orange.rabbit", "lazy.orange.elephant", "lazy"])


def rpc():
    requests, replies = own_queue(NAME), own_queue()
    server = connection.channel()

    def answer(message):
        reply_to, correlation_id = message.properties["reply_to"], message.properties["correlation_id"]
        Producer(server).publish(message.payload**2, routing_key=reply_to, correlation_id=correlation_id)
        message.ack()

    with consuming(server, requests(server), answer):
        publish(4, key=requests.name, reply_to=replies.name, correlation_id="id-4")
        reply = taken(replies, 1)[0]
    expect((reply.properties["correlation_id"], reply.payload), ("id-4", 16))


def confirms():
    queue = own_queue(NAME)
    for number in range(20):
        publish(number, key=queue.name, delivery_mode=2)
    expect(queue.purge(), 20)


def returns():
    returned = []
    producer = Producer(channel, on_return=lambda *arguments: returned.append(arguments))
    producer.publish("come back", exchange="amq.direct", routing_key=NAME, mandatory=True)
    drain(returned, 1)
    error, exchange, routing_key, message = returned[0]
    expect((error.reply_code, error.reply_text, exchange, routing_key), (312, "NO_ROUTE", "amq.direct", NAME))
    expect(message.body, "come back")


def errors():
    queue = own_queue(NAME).name
    other = Connection(os.environ["AMQP_URL"])
    attempts = [
        (connection, dict(queue=NAME + ".missing", passive=True), NotFound, f"NOT_FOUND - no queue '{NAME}.missing' in vhost '/'"),
        (other, dict(queue=queue, passive=True), ResourceLocked, f"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}'"),
        (connection, dict(queue=queue, exclusive=True, auto_delete=False), PreconditionFailed, "PRECONDITION_FAILED - inequivalent arg 'auto_delete'"),
        (connection, dict(queue="amq.nobody"), AccessRefused, "ACCESS_REFUSED - queue name 'amq.nobody' contains reserved prefix 'amq.*'"),
    ]
    for on, options, kind, text in attempts:
        try:
            on.channel().queue_declare(**options)
            sys.exit(f"{options} was accepted")
        except kind as error:
            expect(error.reply_text[: len(text)], text)
    other.close()


{
    "hello": hello,
    "work": work,
    "publish-subscribe": publish_subscribe,
    "routing": routing,
    "topics": topics,
    "rpc": rpc,
    "confirms": confirms,
    "returns": returns,
    "errors": errors,
}[sys.argv[1]]()
connection.close()
