/** Cost of taking a publish out of a chunk: in one piece (the hot way) and frame by frame, for a small and a larger body. */
import { encodeHeaderFrame } from '../../src/amqp/basic-properties.ts';
import { FRAME_END, FRAME_HEADER_SIZE, FrameType, writeFrameHeader } from '../../src/amqp/frame.ts';
import { FrameParser, type FrameSink } from '../../src/amqp/frame-parser.ts';
import { encodeMethodFrame } from '../../src/amqp/method-codec.ts';
import { report } from './support/report.ts';

const CHUNK_MESSAGES = 400;

function message(bodySize: number): Buffer {
  const method = encodeMethodFrame(1, {
    name: 'basic.publish',
    exchange: '',
    routingKey: 'orders.created',
    mandatory: false,
    immediate: false,
  });
  const body = Buffer.alloc(FRAME_HEADER_SIZE + bodySize + 1, 0x61);
  writeFrameHeader(body, 0, FrameType.body, 1, bodySize);
  body[body.length - 1] = FRAME_END;
  return Buffer.concat([method, encodeHeaderFrame(1, bodySize, { deliveryMode: 1 }), body]);
}

let seen = 0;
const sink: FrameSink = {
  publish: (_buffer, scan) => {
    seen += scan.bodySize;
  },
  method: () => {},
  header: () => {},
  bodyFrame: (_channel, size) => {
    seen += size;
  },
  body: () => {},
  heartbeat: () => {},
  error: (error) => {
    throw new Error(error.text);
  },
};

for (const bodySize of [100, 1024]) {
  const chunk = Buffer.concat(Array.from({ length: CHUNK_MESSAGES }, () => message(bodySize)));
  for (const whole of [true, false]) {
    const parser = new FrameParser(sink, 131_072);
    parser.publishFast = whole;
    report(`publish of ${bodySize} bytes, ${whole ? 'in one piece' : 'frame by frame'}`, 'message', CHUNK_MESSAGES, () => {
      if (parser.parse(chunk, 0, chunk.length) !== chunk.length) throw new Error('the parser stopped');
    });
  }
}
if (seen === 0) throw new Error('nothing was parsed');
