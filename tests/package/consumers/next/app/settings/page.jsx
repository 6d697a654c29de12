import Link from "next/link";

export default function Page() {
  return (
    <>
      <h1>Settings</h1>
      <Link href="/cars">Cars</Link>
    </>
  );
}
