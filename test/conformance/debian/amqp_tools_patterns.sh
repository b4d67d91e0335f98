#!/bin/sh
# One pattern through the command-line tools of rabbitmq-c. Usage: amqp_tools_patterns.sh PATTERN; AMQP_URL and FRESH_NAME
# are set. The tools cannot declare exchanges and know no confirms or mandatory messages, so the standing exchanges serve.
set -eu

fail() {
  echo "$*" >&2
  exit 1
}

expect() {
  [ "$1" = "$2" ] || fail "expected '$2', got '$1'"
}

declared() {
  amqp-declare-queue --url="$AMQP_URL" --queue="$1" >/dev/null
  trap 'amqp-delete-queue --url="$AMQP_URL" --queue="$FRESH_NAME" >/dev/null 2>&1 || true' EXIT
}

publish() {
  amqp-publish --url="$AMQP_URL" "$@"
}

# Consumes $2 messages of queue $1, the bodies one a line; options of amqp-consume may follow.
consumed() {
  queue=$1 count=$2
  shift 2
  timeout 20 amqp-consume --url="$AMQP_URL" --queue="$queue" --count="$count" "$@" -- sh -c 'cat; echo'
}

# The body of the next message of queue $1, which another connection has published: it arrives in its own time.
got() {
  tries=0
  until amqp-get --url="$AMQP_URL" --queue="$1"; do
    tries=$((tries + 1))
    [ "$tries" -le 300 ] || fail "$1 stays empty"
  done
}

# A consumer with a queue of its own, bound to exchange $1 with key $2, writing one body to file $3.
subscribe() {
  timeout 20 amqp-consume --url="$AMQP_URL" --exchange="$1" --routing-key="$2" --count=1 cat >"$3" 2>/dev/null &
}

# Publishes until the subscribers have taken their message: the tools do not say when they are bound.
publish_until_taken() {
  tries=0
  until [ -s "$file" ] && [ -s "${file}.second" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 300 ] || fail 'the subscribers took no message'
    publish "$@"
  done
  wait
}

file=$(mktemp)
case "$1" in
  hello)
    declared "$FRESH_NAME"
    publish --routing-key="$FRESH_NAME" --body='Hello World!'
    expect "$(got "$FRESH_NAME")" 'Hello World!'
    ;;
  work)
    declared "$FRESH_NAME"
    for task in 0 1 2 3; do publish --routing-key="$FRESH_NAME" --persistent --body="task $task"; done
    expect "$(consumed "$FRESH_NAME" 2)" "$(printf 'task 0\ntask 1')"
    expect "$(consumed "$FRESH_NAME" 2 --prefetch-count=1)" "$(printf 'task 2\ntask 3')"
    ;;
  publish-subscribe)
    subscribe amq.fanout any "$file"
    subscribe amq.fanout any "${file}.second"
    publish_until_taken --exchange=amq.fanout --body=news
    expect "$(cat "$file" "${file}.second")" newsnews
    ;;
  routing)
    subscribe amq.direct "$FRESH_NAME" "$file"
    echo unused >"${file}.second"
    publish --exchange=amq.direct --routing-key="$FRESH_NAME.other" --body=other
    publish_until_taken --exchange=amq.direct --routing-key="$FRESH_NAME" --body=routed
    expect "$(cat "$file")" routed
    ;;
  topics)
    subscribe amq.topic "$FRESH_NAME.*.rabbit" "$file"
    subscribe amq.topic "$FRESH_NAME.#" "${file}.second"
    publish_until_taken --exchange=amq.topic --routing-key="$FRESH_NAME.orange.rabbit" --body=topic
    expect "$(cat "$file" "${file}.second")" topictopic
    ;;
  rpc)
    # The server writes its answer to where the request says; amqp-publish has no option for a correlation id.
    declared "$FRESH_NAME"
    reply_to="$FRESH_NAME.replies"
    amqp-declare-queue --url="$AMQP_URL" --queue="$reply_to" >/dev/null
    publish --routing-key="$FRESH_NAME" --reply-to="$reply_to" --body=4
    request=$(got "$FRESH_NAME")
    publish --routing-key="$reply_to" --body="$((request * request))"
    expect "$(got "$reply_to")" 16
    amqp-delete-queue --url="$AMQP_URL" --queue="$reply_to" >/dev/null
    ;;
  delete)
    declared "$FRESH_NAME"
    for body in a b c; do publish --routing-key="$FRESH_NAME" --body="$body"; done
    expect "$(amqp-delete-queue --url="$AMQP_URL" --queue="$FRESH_NAME")" 3
    ;;
  errors)
    text=$(amqp-get --url="$AMQP_URL" --queue="$FRESH_NAME" 2>&1) && fail 'a missing queue was read'
    case "$text" in
      *"404"*"NOT_FOUND - no queue '$FRESH_NAME' in vhost '/'"*) ;;
      *) fail "$text" ;;
    esac
    text=$(amqp-declare-queue --url="$AMQP_URL" --queue=amq.nobody 2>&1) && fail 'a reserved name was taken'
    case "$text" in
      *"403"*"ACCESS_REFUSED - queue name 'amq.nobody' contains reserved prefix 'amq.*'"*) ;;
      *) fail "$text" ;;
    esac
    ;;
  *) fail "unknown pattern $1" ;;
esac
rm -f "$file" "${file}.second"
