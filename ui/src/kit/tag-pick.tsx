// Choose tags by typing or by a click on known ones; new names are made.
import { TagsInput } from "@mantine/core";
import { useState } from "react";
import { IconPlus } from "./icons";

export function TagPick({ label, known, value, onChange }: { label: string; known: readonly string[]; value: string[]; onChange: (names: string[]) => void }) {
  const [typed, setTyped] = useState("");
  const left = known.filter((k) => !value.includes(k));
  return (
    <div>
      <TagsInput
        label={label}
        placeholder={value.length ? "" : "Type one and press Enter"}
        data={left}
        value={value}
        onChange={onChange}
        searchValue={typed}
        onSearchChange={setTyped}
        dropdownOpened={typed !== "" && left.some((k) => k.toLowerCase().includes(typed.toLowerCase()))}
        acceptValueOnBlur
        data-autofocus
      />
      {left.length > 0 && (
        <div style={{ display: "flex", flexWrap: "wrap", gap: 4, marginTop: 8 }}>
          {left.slice(0, 12).map((k) => (
            <button key={k} type="button" className="chip" data-plain="" style={{ border: 0, font: "inherit", fontSize: 11.5, cursor: "pointer" }} onClick={() => onChange([...value, k])}>
              <IconPlus size={11} />
              {k}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
