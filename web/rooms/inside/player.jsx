// A slider over steps of time, with a button that plays them. Where motion is unwanted, a press is one step.

import { useEffect, useState } from "preact/hooks";
import { reducedMotion, useWords } from "../../ui.jsx";

const PACE = 700; // milliseconds a step

/** @param {{label: string, at: number, last: number, id: string, onchange: (at: number) => void}} props */
export function Player({ label, at, last, id, onchange }) {
  const { t } = useWords();
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (!playing) return;
    if (at >= last) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(() => onchange(at + 1), PACE);
    return () => clearTimeout(timer);
  }, [playing, at, last]);
  const press = () => {
    if (reducedMotion()) return onchange(at >= last ? 0 : at + 1);
    if (!playing && at >= last) onchange(0);
    setPlaying(!playing);
  };
  return (
    <div class="player">
      <button
        type="button"
        class="play"
        aria-label={t(playing ? "pause" : "play")}
        title={t(playing ? "pause" : "play")}
        onClick={press}
      >
        {playing ? "❚❚" : "▶"}
      </button>
      <input
        {...{ type: "range", id, min: 0, max: last, step: 1, value: at }}
        aria-label={label}
        onInput={(event) => {
          setPlaying(false);
          onchange(Number(event.currentTarget.value));
        }}
      />
      <span class="help">{label}</span>
    </div>
  );
}
