/** Direct reply-to (RabbitMQ guide "Direct Reply-to"): names that clients and brokers agree on. */
export const REPLY_TO_QUEUE = 'amq.rabbitmq.reply-to';
export const REPLY_TO_PREFIX = 'amq.rabbitmq.reply-to.';
