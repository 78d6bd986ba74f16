const GAP = 4;
const EDGE = 8;

/** Puts an open popover below its anchor, or above where there is more room, within the window. */
export function place(popover, anchor) {
  const at = anchor.getBoundingClientRect();
  const below = window.innerHeight - at.bottom - GAP - EDGE;
  const above = at.top - GAP - EDGE;
  const isAbove = below < Math.min(popover.scrollHeight, 200) && above > below;
  popover.style.minWidth = `${at.width}px`;
  popover.style.maxHeight = `${Math.min(320, isAbove ? above : below)}px`;
  popover.style.left = `${Math.max(EDGE, Math.min(at.left, window.innerWidth - popover.offsetWidth - EDGE))}px`;
  popover.style.top = isAbove ? `${at.top - GAP - popover.offsetHeight}px` : `${at.bottom + GAP}px`;
}
