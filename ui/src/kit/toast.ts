import { notifications } from "@mantine/notifications";
import { createElement } from "react";
import { IconAlert, IconCheck } from "./icons";

export const toast = {
  done(message: string, title?: string) {
    notifications.show({ message, ...(title ? { title } : {}), icon: createElement(IconCheck, { size: 16 }), color: "green", autoClose: 3500, withBorder: true });
  },
  /** Of work that goes on: says how far it is, until one of the others takes its place. */
  working(id: string, message: string) {
    const shown = { id, message, loading: true, autoClose: false as const, withCloseButton: false, withBorder: true };
    notifications.show(shown);
    return {
      says: (text: string) => notifications.update({ ...shown, message: text }),
      gone: () => notifications.hide(id),
    };
  },
  failed(error: { message: string; detail?: string; call?: string }) {
    const title = error.message.charAt(0).toUpperCase() + error.message.slice(1);
    const message = [error.detail, error.call].filter(Boolean).join(" · ");
    notifications.show({ title, message, icon: createElement(IconAlert, { size: 16 }), color: "red", autoClose: 9000, withBorder: true });
  },
};
