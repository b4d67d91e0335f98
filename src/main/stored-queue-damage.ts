/** What an operator reads when what is stored of a queue is damaged, at the start or when it shows. */
export const STORED_QUEUE_DAMAGED = 'a stored queue is damaged and stays down; delete it, or put back a copy of the data directory';
