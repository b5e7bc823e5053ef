// Sending reviewed predictions to the feedback loop. Images that models are measured on stay out of what is learnt, unless somebody says so.
import { Text } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { submitReviews } from "../../api/calls";
import { Dialog } from "../../kit/dialog";
import { plural } from "../../kit/format";
import { toast } from "../../kit/toast";

/** The call, and the question it may lead to, which stands somewhere on the page. `sent` hears which ones are in the loop. */
export function useSend(deployment: string, sent: (ids: readonly string[]) => void): { send: (ids: string[]) => Promise<void>; question: ReactNode } {
  const [left, setLeft] = useState<string[]>([]);
  const [last, setLast] = useState(0);
  const submit = async (ids: string[], measuredToo: boolean) => {
    const r = await submitReviews(deployment, ids, measuredToo);
    const out = new Set(r.left_out);
    const stays = new Set(r.stayed);
    sent(ids.filter((i) => !out.has(i) && !stays.has(i)));
    if (r.count) toast.done(`${r.count} sent to the feedback loop`);
    if (r.duplicated) toast.done(`${plural(r.duplicated, "image is", "images are")} in a dataset version already, as another copy of the same file; ${r.duplicated === 1 ? "it was" : "they were"} not added there again`);
    if (out.size) setLast(out.size);
    setLeft(r.left_out);
  };
  const one = last === 1;
  return {
    send: (ids) => submit(ids, false).catch(toast.failed),
    question: (
      <Dialog open={left.length > 0} onClose={() => setLeft([])} title={`${plural(last, "image")} left out`} does={one ? "Send it nevertheless" : "Send them nevertheless"} danger run={() => submit(left, true)}>
        <Text size="sm">
          {one ? "It is" : "They are"} in a dataset version that models are measured on. If {one ? "it were" : "they were"} learnt from as well, the next model’s scores there would say nothing. {one ? "It stays" : "They stay"} reviewed and can be sent later.
        </Text>
      </Dialog>
    ),
  };
}
