// The package's own barrel of 5000 icons is slow to build: single icons are taken by path, and look like this.
declare module "@tabler/icons-react/dist/esm/icons/*" {
  import type { ReactElement, SVGProps } from "react";
  const icon: (props: Omit<SVGProps<SVGSVGElement>, "stroke"> & { size?: number | string; stroke?: number | string }) => ReactElement;
  export default icon;
}
