// Sign in.
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { Redirect, useSearch } from "wouter";
import { Fault } from "../../kit/parts";
import { navigate } from "../../kit/url";
import { enter, useWho, type Failure } from "./data";

/** Only paths of our own: nobody is sent elsewhere after signing in. */
const safe = (to: string | null) => (to && /^\/(?![/\\])/.test(to) && !to.startsWith("/login") ? to : "/");

export default function Login() {
  const to = safe(new URLSearchParams(useSearch()).get("to"));
  const { session } = useWho();
  const [name, setName] = useState("");
  const [word, setWord] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Failure | null>(null);
  if (session && !busy) return <Redirect to={to} replace />;
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await enter(name, word);
      navigate(to, { replace: true });
    } catch (x) {
      setError(x as Failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div style={{ minHeight: "100%", display: "grid", placeItems: "center", background: "var(--rail)" }}>
      <form onSubmit={(e) => void submit(e)} style={{ width: 320, padding: 24 }}>
        <img src="/icon.svg" alt="" width={44} height={44} style={{ display: "block", marginBottom: 16 }} />
        <h1 style={{ margin: "0 0 20px", fontSize: 22, fontWeight: 640, letterSpacing: "-0.02em" }}>Sign in to Saccade</h1>
        <TextInput label="Username" name="username" autoComplete="username" autoFocus required withAsterisk={false} value={name} onChange={(e) => setName(e.target.value)} mb="sm" />
        <PasswordInput label="Password" name="password" autoComplete="current-password" required withAsterisk={false} value={word} onChange={(e) => setWord(e.target.value)} mb="md" />
        {error && (
          <div style={{ marginBottom: 16 }}>
            <Fault error={error.status === 401 ? { message: "Username and password do not match", detail: "An administrator can set a new password." } : error} />
          </div>
        )}
        <Button type="submit" fullWidth size="sm" loading={busy}>
          Sign in
        </Button>
      </form>
    </div>
  );
}
