// Sends a file by the grants of the storage: ask a name, ask a URL, PUT the bytes. Large files go in parts; names and URLs of many small ones are asked for at once.
import { ApiError, post } from "./client";
import type { GrantOfAnUpload, Session, UploadLink } from "./types";

/** Larger files are sent in parts, and one by one. */
export const PART = 25 * 1024 * 1024;

/** Our own storage is always on the page's origin, whatever public name the server was given. */
export function ownUrl(url: string): string {
  const u = new URL(url, location.href);
  return u.pathname.startsWith("/storage/") ? u.pathname + u.search : url;
}
/** The link to an object of the storage. */
export const urlOfObject = async (connector: string, object_name: string) =>
  ownUrl((await post<{ presigned_url: string }>(`/api/object-storage/${connector}/retrieve_presigned_url`, { object_name })).presigned_url);

function send(method: string, url: string, body: Blob | FormData, headers: Record<string, string>, progress: (bytes: number) => void, signal: AbortSignal) {
  return new Promise<void>((resolve, reject) => {
    const x = new XMLHttpRequest();
    const stop = () => x.abort();
    signal.addEventListener("abort", stop, { once: true });
    x.open(method, url);
    for (const [name, value] of Object.entries(headers)) x.setRequestHeader(name, value);
    x.upload.onprogress = (e) => progress(e.loaded);
    x.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    x.onerror = () => reject(new ApiError(0, "The connection broke during the upload", "", `${method} /storage`));
    x.onload = () => {
      signal.removeEventListener("abort", stop);
      if (x.status < 400) return resolve();
      let message = `The storage answered ${x.status}`;
      try {
        message = (JSON.parse(x.responseText) as { message?: string }).message ?? message;
      } catch {
        /* the status says enough */
      }
      reject(new ApiError(x.status, message, "", `${method} /storage`));
    };
    x.send(body);
  });
}

export interface UploadTarget {
  session: Session;
  type: "DATA" | "ARTIFACT" | "MODEL_FILE";
  context?: Record<string, string>;
}

/** Stores the file's bytes; gives the object's name. `progress` hears of bytes sent so far. */
export async function storeFile(file: File, to: UploadTarget, progress: (bytes: number) => void, signal: AbortSignal): Promise<string> {
  const { organization } = to.session;
  const connector = organization.default_connector_id;
  const { object_name } = await post<{ object_name: string }>(`/api/organization/${organization.id}/connector/${connector}/generate_object_name`, {
    filename: file.name,
    type: to.type,
    ...(to.context ? { context: to.context } : {}),
  });
  const content_type = file.type || "application/octet-stream";
  if (file.size > PART) {
    const parts = await post<{ url?: string }>(`/api/object-storage/${connector}/init_multipart_upload`, { object_name, content_type });
    if (parts.url) {
      const url = ownUrl(parts.url);
      for (let at = 0; at < file.size; at += PART) {
        const end = Math.min(at + PART, file.size);
        const range = { "Content-Range": `bytes ${at}-${end - 1}/${file.size}`, "Content-Type": content_type };
        await send("PUT", url, file.slice(at, end), range, (n) => progress(at + n), signal);
      }
      return object_name;
    }
  }
  const grant = await post<GrantOfAnUpload>(`/api/object-storage/${connector}/generate_presigned_url`, { object_name, content_type });
  const url = ownUrl(grant.presigned_url_data.url);
  const fields = grant.presigned_url_data.fields ?? {};
  if (grant.client_type.toLowerCase() === "azure") {
    await send("PUT", url, file, { ...fields, "Content-Type": content_type, "x-ms-blob-type": "BlockBlob" }, progress, signal);
  } else {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("Content-Type", content_type);
    form.append("file", file, object_name);
    await send("POST", url, form, {}, progress, signal);
  }
  return object_name;
}

/** A new name and a link for each of some files that are no larger than a part. */
export const linksFor = (files: readonly File[], { session, type }: UploadTarget) =>
  post<UploadLink[]>(`/api/object-storage/${session.organization.default_connector_id}/upload_links`, { type, filenames: files.map((f) => f.name) });

export const sendByLink = (file: File, link: UploadLink, progress: (bytes: number) => void, signal: AbortSignal) =>
  send("PUT", ownUrl(link.url), file, { "Content-Type": file.type || "application/octet-stream" }, progress, signal);
