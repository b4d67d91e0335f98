<?php
/** One pattern through php-amqplib. Usage: php php_patterns.php PATTERN; AMQP_URL and FRESH_NAME are set. */
require_once 'PhpAmqpLib/autoload.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

const WAIT_SECONDS = 20;

function connected(): AMQPStreamConnection
{
    $url = parse_url(getenv('AMQP_URL'));
    return new AMQPStreamConnection($url['host'], $url['port'], $url['user'] ?? 'guest', $url['pass'] ?? 'guest');
}

function expect($actual, $wanted): void
{
    if ($actual !== $wanted) {
        fwrite(STDERR, 'expected ' . json_encode($wanted) . ', got ' . json_encode($actual) . "\n");
        exit(1);
    }
}

$name = getenv('FRESH_NAME');
$connection = connected();
$channel = $connection->channel();

$ownQueue = fn(string $queue = '', array $arguments = []) =>
    $channel->queue_declare($queue, false, false, true, false, false, new AMQPTable($arguments))[0];
$publish = fn(string $body, string $exchange, string $key, array $properties = []) =>
    $channel->basic_publish(new AMQPMessage($body, $properties), $exchange, $key);
$taken = function (string $queue, int $count) use ($channel): array {
    $messages = [];
    $tag = $channel->basic_consume($queue, '', false, true, false, false, function ($message) use (&$messages) {
        $messages[] = $message;
    });
    while (count($messages) < $count) {
        $channel->wait(null, false, WAIT_SECONDS);
    }
    $channel->basic_cancel($tag);
    return $messages;
};
$received = function (string $type, array $keys, array $sent, array $wanted) use ($name, $channel, $ownQueue, $publish, $taken) {
    $channel->exchange_declare($name, $type, false, false, true);
    $queue = $ownQueue();
    foreach ($keys as $key) {
        $channel->queue_bind($queue, $name, $key);
    }
    foreach ($sent as $key) {
        $publish('x', $name, $key);
    }
    expect(array_map(fn($message) => $message->getRoutingKey(), $taken($queue, count($wanted))), $wanted);
};

$patterns = [
    'hello' => function () use ($name, $ownQueue, $publish, $taken) {
        $queue = $ownQueue($name);
        $publish('Hello World!', '', $queue);
        expect($taken($queue, 1)[0]->body, 'Hello World!');
    },
    'work' => function () use ($name, $connection, $channel, $ownQueue, $publish) {
        $queue = $ownQueue($name);
        $fast = $connection->channel();
        $bodies = [];
        $stuck = 0;
        $channel->basic_qos(0, 1, false);
        $fast->basic_qos(0, 1, false);
        $channel->basic_consume($queue, '', false, false, false, false, function ($message) use (&$bodies, &$stuck) {
            $bodies[] = $message->body;
            $stuck += 1;
        });
        $fast->basic_consume($queue, '', false, false, false, false, function ($message) use (&$bodies) {
            $bodies[] = $message->body;
            $message->ack();
        });
        for ($task = 0; $task < 6; $task++) {
            $publish("task $task", '', $queue, ['delivery_mode' => 2]);
        }
        $givenUpAt = microtime(true) + WAIT_SECONDS;
        while (count($bodies) < 6 && microtime(true) < $givenUpAt) {
            $channel->wait(null, true);
            $fast->wait(null, true);
        }
        sort($bodies);
        expect($bodies, array_map(fn($task) => "task $task", range(0, 5)));
        expect($stuck, 1);
    },
    'publish-subscribe' => function () use ($name, $channel, $ownQueue, $publish, $taken) {
        $channel->exchange_declare($name, 'fanout', false, false, true);
        $queues = [$ownQueue(), $ownQueue()];
        foreach ($queues as $queue) {
            $channel->queue_bind($queue, $name);
        }
        $publish('news', $name, '');
        foreach ($queues as $queue) {
            expect($taken($queue, 1)[0]->body, 'news');
        }
    },
    'routing' => fn() => $received('direct', ['warning', 'error'], ['info', 'warning', 'error'], ['warning', 'error']),
    'topics' => fn() => $received(
        'topic',
        ['*.*.rabbit', 'lazy.#'],
        ['quick.orange.rabbit', 'lazy.orange.elephant', 'quick.brown.fox', 'lazy'],
        ['quick.orange.rabbit', 'lazy.orange.elephant', 'lazy']
    ),
    'rpc' => function () use ($name, $channel, $ownQueue, $publish, $taken) {
        $queue = $ownQueue($name);
        $channel->basic_consume($queue, '', false, false, false, false, function ($request) use ($publish) {
            $properties = ['correlation_id' => $request->get('correlation_id')];
            $publish((string) ((int) $request->body) ** 2, '', $request->get('reply_to'), $properties);
            $request->ack();
        });
        $replyTo = $ownQueue();
        $publish('4', '', $queue, ['reply_to' => $replyTo, 'correlation_id' => 'id-4']);
        $reply = $taken($replyTo, 1)[0];
        expect([$reply->get('correlation_id'), $reply->body], ['id-4', '16']);
    },
    'confirms' => function () use ($name, $channel, $ownQueue, $publish) {
        $queue = $ownQueue($name, ['x-max-length' => 20, 'x-overflow' => 'reject-publish']);
        $acked = $nacked = 0;
        $channel->set_ack_handler(function () use (&$acked) {
            $acked += 1;
        });
        $channel->set_nack_handler(function () use (&$nacked) {
            $nacked += 1;
        });
        $channel->confirm_select();
        for ($number = 0; $number < 21; $number++) {
            $publish((string) $number, '', $queue, ['delivery_mode' => 2]);
        }
        $channel->wait_for_pending_acks(WAIT_SECONDS);
        expect([$acked, $nacked], [20, 1]);
        expect($channel->queue_purge($queue), 20);
    },
    'returns' => function () use ($name, $channel) {
        $events = [];
        $channel->set_return_listener(function ($code, $text, $exchange, $key, $message) use (&$events) {
            $events[] = "$code $text $exchange $key {$message->body}";
        });
        $channel->set_ack_handler(function () use (&$events) {
            $events[] = 'ack';
        });
        $channel->confirm_select();
        $channel->basic_publish(new AMQPMessage('come back'), 'amq.direct', $name, true);
        $channel->wait_for_pending_acks_returns(WAIT_SECONDS);
        expect($events, ["312 NO_ROUTE amq.direct $name come back", 'ack']);
    },
    'errors' => function () use ($name, $connection, $ownQueue) {
        $queue = $ownQueue($name);
        $other = connected();
        $attempts = [
            [$connection, ["$name.missing", true], 404, "NOT_FOUND - no queue '$name.missing' in vhost '/'"],
            [$other, [$queue, true], 405, "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '$queue'"],
            [$connection, [$queue, false, false, true, true], 406, "PRECONDITION_FAILED - inequivalent arg 'auto_delete'"],
            [$connection, ['amq.nobody'], 403, "ACCESS_REFUSED - queue name 'amq.nobody' contains reserved prefix 'amq.*'"],
        ];
        foreach ($attempts as [$on, $arguments, $code, $text]) {
            try {
                $on->channel()->queue_declare(...$arguments);
                expect('accepted', $text);
            } catch (AMQPProtocolChannelException $error) {
                expect([$error->amqp_reply_code, substr($error->amqp_reply_text, 0, strlen($text))], [$code, $text]);
            }
        }
        $other->close();
    },
];
$patterns[$argv[1]]();
$connection->close();
