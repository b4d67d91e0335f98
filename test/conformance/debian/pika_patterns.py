"""One pattern through pika's blocking connection. Usage: pika_patterns.py PATTERN; AMQP_URL and FRESH_NAME are set."""
import os
import sys

import pika
from pika.exceptions import ChannelClosedByBroker, NackError, UnroutableError

NAME = os.environ["FRESH_NAME"]
connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()


def expect(actual, wanted):
    if actual != wanted:
        sys.exit(f"expected {wanted!r}, got {actual!r}")


def own_queue(name="", **options):
    return channel.queue_declare(name, exclusive=True, **options).method.queue


def taken(on, queue, count, auto_ack=True):
    """The next messages of a queue, consumed; a missing one ends the script after 20 s."""
    messages = []
    for method, properties, body in on.consume(queue, auto_ack=auto_ack, inactivity_timeout=20):
        if method is None:
            sys.exit(f"{len(messages)} of {count} messages arrived")
        messages.append((method, properties, body))
        if len(messages) == count:
            break
    on.cancel()
    return messages


def hello():
    queue = own_queue(NAME)
    channel.basic_publish("", queue, b"Hello World!")
    expect(taken(channel, queue, 1)[0][2], b"Hello World!")


def work():
    queue = own_queue(NAME)
    slow, fast, done = [], [], []
    channel.basic_qos(prefetch_count=1)
    other = connection.channel()
    other.basic_qos(prefetch_count=1)

    def finish(on, method, _properties, body):
        fast.append(body)
        on.basic_ack(method.delivery_tag)

    channel.basic_consume(queue, lambda _on, _method, _properties, body: slow.append(body))
    other.basic_consume(queue, finish)
    for task in range(6):
        channel.basic_publish("", queue, b"task %d" % task, pika.BasicProperties(delivery_mode=2))
    connection.call_later(20, lambda: sys.exit(f"slow {slow}, fast {fast}"))
    while len(slow) + len(fast) < 6:
        connection.process_data_events(time_limit=1)
    expect(len(slow), 1)
    expect(sorted(slow + fast), [b"task %d" % task for task in range(6)])


def publish_subscribe():
    channel.exchange_declare(NAME, "fanout", auto_delete=True)
    queues = [own_queue(), own_queue()]
    for queue in queues:
        channel.queue_bind(queue, NAME)
    channel.basic_publish(NAME, "", b"news")
    for queue in queues:
        expect(taken(channel, queue, 1)[0][2], b"news")


def received(kind, keys, sent, wanted):
    channel.exchange_declare(NAME, kind, auto_delete=True)
    queue = own_queue()
    for key in keys:
        channel.queue_bind(queue, NAME, key)
    for key in sent:
        channel.basic_publish(NAME, key, b"x")
    expect([method.routing_key for method, _, _ in taken(channel, queue, len(wanted))], wanted)


def routing():
    received("direct", ["warning", "error"], ["info", "warning", "error"], ["warning", "error"])


def topics():
    sent = ["quick.orange.rabbit", "lazy.orange.elephant", "quick.brown.fox", "lazy"]
    received("topic", ["*.*.rabbit", "lazy.#"], sent, ["quick.orange.rabbit", "lazy.orange.elephant", "lazy"])


def rpc():
    server = connection.channel()
    queue = own_queue(NAME)

    def answer(on, method, properties, body):
        reply = pika.BasicProperties(correlation_id=properties.correlation_id)
        on.basic_publish("", properties.reply_to, b"%d" % int(body) ** 2, reply)
        on.basic_ack(method.delivery_tag)

    server.basic_consume(queue, answer)
    reply_to = own_queue()
    properties = pika.BasicProperties(reply_to=reply_to, correlation_id="id-4")
    channel.basic_publish("", queue, b"4", properties)
    _, properties, body = taken(channel, reply_to, 1)[0]
    expect((properties.correlation_id, body), ("id-4", b"16"))


def confirms():
    queue = own_queue(NAME, arguments={"x-max-length": 20, "x-overflow": "reject-publish"})
    channel.confirm_delivery()
    for number in range(20):
        channel.basic_publish("", queue, b"%d" % number, pika.BasicProperties(delivery_mode=2), mandatory=True)
    try:
        channel.basic_publish("", queue, b"too many")
        sys.exit("a full queue took a message")
    except NackError:
        pass
    expect(channel.queue_purge(queue).method.message_count, 20)


def returns():
    channel.confirm_delivery()
    try:
        channel.basic_publish("amq.direct", NAME, b"come back", mandatory=True)
        sys.exit("an unroutable message was taken")
    except UnroutableError as error:
        returned = error.messages[0]
        expect((returned.method.reply_code, returned.method.reply_text, returned.body), (312, "NO_ROUTE", b"come back"))


def errors():
    queue = own_queue(NAME)
    other = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
    attempts = [
        (connection, dict(queue=NAME + ".missing", passive=True), 404, f"NOT_FOUND - no queue '{NAME}.missing' in vhost '/'"),
        (other, dict(queue=queue, passive=True), 405, f"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}'"),
        (connection, dict(queue=queue, exclusive=True, auto_delete=True), 406, "PRECONDITION_FAILED - inequivalent arg 'auto_delete'"),
        (connection, dict(queue="amq.nobody"), 403, "ACCESS_REFUSED - queue name 'amq.nobody' contains reserved prefix 'amq.*'"),
    ]
    for on, options, code, text in attempts:
        try:
            on.channel().queue_declare(**options)
            sys.exit(f"{options} was accepted")
        except ChannelClosedByBroker as error:
            expect((error.reply_code, error.reply_text[: len(text)]), (code, text))
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
