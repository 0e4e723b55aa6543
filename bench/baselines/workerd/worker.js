// The handlers of ../hello, ../echo and ../sleep, by the path of the request: hello, echo, sleep.
const handlers = {
  '/hello': (input) => ({ message: `Hello, ${input?.name ?? 'world'}!` }),
  '/echo': (input) => input,
  '/sleep': async (input) => {
    const ms = input?.sleepMs ?? 50;
    await new Promise((done) => setTimeout(done, ms));
    return { sleptMs: ms };
  },
};

function answer(status, value) {
  return new Response(JSON.stringify(value), { status, headers: { 'Content-Type': 'application/json' } });
}

export default {
  async fetch(request) {
    const handler = handlers[new URL(request.url).pathname];
    if (!handler) {
      return answer(404, { error: 'there is no such handler' });
    }
    let input;
    try {
      input = await request.json();
    } catch {
      return answer(400, { error: 'the body is not JSON' });
    }
    try {
      return answer(200, await handler(input));
    } catch (error) {
      return answer(502, { error: error.message });
    }
  },
};
