// The shared worker that holds the one stream of a browser: all tabs of a user speak to it, however many there are.
import { hubOf, type News, type Wish } from "./stream";

const hub = hubOf<MessagePort>((url) => new EventSource(url));

addEventListener("connect", (e) => {
  const port = (e as MessageEvent).ports[0];
  if (!port) return;
  port.onmessage = ({ data }: MessageEvent<Wish | "bye">) => {
    if (data === "bye") hub.leave(port);
    else hub.wish(port, data, (news: News) => port.postMessage(news));
  };
});
