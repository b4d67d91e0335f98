# One pattern through bunny. Usage: ruby bunny_patterns.rb PATTERN; AMQP_URL and FRESH_NAME are set.
require 'bunny'
require 'timeout'

WAIT_SECONDS = 20
NAME = ENV.fetch('FRESH_NAME')

def connected
  Bunny.new(ENV.fetch('AMQP_URL'), automatically_recover: false, log_level: :fatal).start
end

def expect(actual, wanted)
  abort "expected #{wanted.inspect}, got #{actual.inspect}" unless actual == wanted
end

CONNECTION = connected
CHANNEL = CONNECTION.create_channel

def own_queue(name = '', **options)
  CHANNEL.queue(name, exclusive: true, **options)
end

# The next messages of a queue, each as [delivery_info, properties, body].
def taken(queue, count)
  inbox = Queue.new
  consumer = queue.subscribe { |*message| inbox << message }
  messages = Timeout.timeout(WAIT_SECONDS) { Array.new(count) { inbox.pop } }
  consumer.cancel
  messages
end

def hello
  queue = own_queue(NAME)
  CHANNEL.default_exchange.publish('Hello World!', routing_key: queue.name)
  expect taken(queue, 1)[0][2], 'Hello World!'
end

def work
  own_queue(NAME)
  done = Queue.new
  slow, fast = CONNECTION.create_channel, CONNECTION.create_channel
  [[slow, false], [fast, true]].each do |channel, diligent|
    channel.prefetch(1)
    channel.queue(NAME, exclusive: true).subscribe(manual_ack: true) do |delivery_info, _properties, body|
      done << [diligent, body]
      channel.ack(delivery_info.delivery_tag) if diligent
    end
  end
  6.times { |task| CHANNEL.default_exchange.publish("task #{task}", routing_key: NAME, persistent: true) }
  all = Timeout.timeout(WAIT_SECONDS) { Array.new(6) { done.pop } }
  expect all.count { |diligent, _body| !diligent }, 1
  expect all.map(&:last).sort, Array.new(6) { |task| "task #{task}" }
end

def publish_subscribe
  logs = CHANNEL.fanout(NAME, auto_delete: true)
  queues = Array.new(2) { own_queue.bind(logs) }
  logs.publish('news')
  queues.each { |queue| expect taken(queue, 1)[0][2], 'news' }
end

def received(type, keys, sent, wanted)
  exchange = Bunny::Exchange.new(CHANNEL, type, NAME, auto_delete: true)
  queue = own_queue
  keys.each { |key| queue.bind(exchange, routing_key: key) }
  sent.each { |key| exchange.publish('x', routing_key: key) }
  expect taken(queue, wanted.length).map { |delivery_info, _, _| delivery_info.routing_key }, wanted
end

def routing
  received(:direct, %w[warning error], %w[info warning error], %w[warning error])
end

def topics
  sent = %w[quick.orange.rabbit lazy.orange.elephant quick.brown.fox lazy]
  received(:topic, ['*.*.rabbit', 'lazy.#'], sent, %w[quick.orange.rabbit lazy.orange.elephant lazy])
end

def rpc
  server = CONNECTION.create_channel
  own_queue(NAME)
  server.queue(NAME, exclusive: true).subscribe do |_delivery_info, properties, body|
    options = { routing_key: properties.reply_to, correlation_id: properties.correlation_id }
    server.default_exchange.publish((body.to_i**2).to_s, options)
  end
  replies = own_queue
  CHANNEL.default_exchange.publish('4', routing_key: NAME, reply_to: replies.name, correlation_id: 'id-4')
  _, properties, body = taken(replies, 1)[0]
  expect [properties.correlation_id, body], %w[id-4 16]
end

def confirms
  queue = own_queue(NAME, arguments: { 'x-max-length' => 20, 'x-overflow' => 'reject-publish' })
  CHANNEL.confirm_select
  21.times { |number| CHANNEL.default_exchange.publish(number.to_s, routing_key: NAME, persistent: true) }
  expect Timeout.timeout(WAIT_SECONDS) { CHANNEL.wait_for_confirms }, false
  expect CHANNEL.nacked_set.to_a, [21]
  expect queue.message_count, 20
end

def returns
  events = Queue.new
  exchange = CHANNEL.direct('amq.direct', durable: true)
  exchange.on_return { |info, _, body| events << [info.reply_code, info.reply_text, info.routing_key, body] }
  exchange.publish('come back', routing_key: NAME, mandatory: true)
  expect Timeout.timeout(WAIT_SECONDS) { events.pop }, [312, 'NO_ROUTE', NAME, 'come back']
end

def errors
  own_queue(NAME)
  other = connected
  [
    [CONNECTION, ["#{NAME}.missing", { passive: true }], Bunny::NotFound, "NOT_FOUND - no queue '#{NAME}.missing' in vhost '/'"],
    [other, [NAME, { passive: true }], Bunny::ResourceLocked, "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '#{NAME}'"],
    [CONNECTION, [NAME, { exclusive: true, auto_delete: true }], Bunny::PreconditionFailed, "PRECONDITION_FAILED - inequivalent arg 'auto_delete'"],
    [CONNECTION, ['amq.nobody', {}], Bunny::AccessRefused, "ACCESS_REFUSED - queue name 'amq.nobody' contains reserved prefix 'amq.*'"]
  ].each do |connection, (name, options), kind, text|
    connection.create_channel.queue(name, **options)
    abort "#{name} #{options} was accepted"
  rescue kind => error
    expect error.message.include?(text), true
  end
  other.close
end

send(ARGV.fetch(0).tr('-', '_'))
CONNECTION.close
